"""Ids of the specification: those in docstrings and in docs/coverage.md exist, and what the table names is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = {"A": 18, "B": 13, "C": 11, "D": 19, "E": 10}
"""How many rows each part of the specification has."""

TABLE = ROOT / "docs" / "coverage.md"


def exists(name: str) -> bool:
    return name[0] in ROWS and 1 <= int(name[1:]) <= ROWS[name[0]]


def ids_in_sources() -> dict[str, list[str]]:
    """id -> the files whose text holds it in brackets."""
    found: dict[str, list[str]] = {}
    files = [
        path
        for folder in ("src", "engine")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".h", ".cpp")
    ]
    for path in files:
        for group in re.findall(r"\[((?:[A-E]\d+)(?:, [A-E]\d+)*)\]", path.read_text(encoding="utf-8")):
            for name in group.split(", "):
                found.setdefault(name, []).append(str(path.relative_to(ROOT)))
    return found


def test_ids_in_docstrings_are_rows_of_the_specification() -> None:
    found = ids_in_sources()
    assert found
    assert not {name: files for name, files in found.items() if not exists(name)}


@pytest.mark.skipif(not TABLE.exists(), reason="docs/coverage.md is not there")
def test_the_table_names_rows_and_files_that_exist() -> None:
    rows = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if re.match(r"\| [A-E]\d+ ", line)]
    assert rows
    for row in rows:
        for name in re.findall(r"[A-E]\d+", row.split("|")[1]):
            assert exists(name), row
        for path in re.findall(r"`((?:src|engine|tests|docs)/[^`]*)`", row):
            assert (ROOT / path).exists(), f"{path} does not exist: {row}"
