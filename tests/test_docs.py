"""The documents tell the truth: the commands' page is theirs, links lead somewhere, figures name what made them."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(p for p in ROOT.rglob("*.md") if not {".venv", "build", "runs"} & set(p.relative_to(ROOT).parts))


def pages_that_are_made():
    spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    return build.PAGES


def test_pages_made_from_the_code_are_up_to_date():
    for page, text in pages_that_are_made().items():
        assert page.read_text() == text(), f"{page.name}: run `make docs`"


def test_classical_denoisers_stand_where_all_their_noise_was_measured(monkeypatch):
    """And a row of a few pictures alone says of how many."""
    figures = {"psnr": 31.234, "ssim": 0.9, "gmsd": 0.1}
    bsd68 = {f"BSD68, noise {sigma}": figures for sigma in (15, 25, 50)}
    record = {"non-local means": {**bsd68, "Set12, noise 15": figures}, "BM3D on 10": bsd68}
    monkeypatch.syspath_prepend(str(ROOT))
    from docs import results

    monkeypatch.setattr(results, "_classical", lambda: record)
    rows = [line for line in results.results_page().splitlines() if "measured here" in line]
    cells = "| 31.23 / 0.9000 / 0.1000 " * 3 + "|  |"
    assert rows == [
        f"| non-local means, measured here {cells}",
        f"| BM3D, measured here, on 10 of the pictures {cells}",
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_and_named_paths_exist(page):
    text = page.read_text()
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        assert link.startswith(("http:", "https:")) or (page.parent / link).exists(), link


@pytest.mark.parametrize("page", [ROOT / "docs" / "coverage.md", ROOT / "ARCHITECTURE.md"], ids=lambda p: p.name)
def test_paths_in_backquotes_exist(page):
    for name in re.findall(r"`((?:src|tests|engine|docs|benchmarks|examples|training)/[\w./-]*)`", page.read_text()):
        assert (ROOT / name).exists(), name
