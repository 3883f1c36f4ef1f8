"""`docs/guide/experiments.md`, from what `pellucid experiment NAME -o docs/guide/experiments` left beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pellucid.learn.experiments import EXPERIMENTS

FOLDER = Path(__file__).parent / "guide" / "experiments"
HEAD = """# Experiments

Made by `make docs` from what the commands below wrote. Each says what a document claims beside what was seen, in one
run with the settings that stand there; another seed gives other figures, and `--full` longer runs. `--data` names the
folder with MNIST's files; accuracies are those of digits held out of the training files. Where the two differ, the
page says so.
"""


def experiments_page() -> str:
    """Every experiment whose figures are there, in the order of the table."""
    return "\n".join([HEAD, *(_section(name) for name in EXPERIMENTS if (FOLDER / f"{name}.json").exists())])


def _section(name: str) -> str:
    content: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    given = content["settings"]
    data = " --data MNIST" if isinstance(given.get("learned", given.get("source")), int) else ""
    settings = ", ".join(f"{key.replace('_', ' ')} {_told(value)}" for key, value in given.items())
    rows = ["| document | says | seen here | |", "| --- | --- | --- | --- |"]
    for claim in content["claims"]:
        verdict = {True: "agrees", False: "**differs**", None: ""}[claim["agrees"]]
        rows.append(f"| {claim['document']} | {claim['said']} | {claim['seen']} | {verdict} |".replace("  |", " |"))
    return (
        f"## {name}\n\n{EXPERIMENTS[name]} `pellucid experiment {name}{data}`, with {settings}.\n\n"
        + "\n".join(rows)
        + f"\n\n![{name}](experiments/{name}.png)\n"
    )


def _told(value: Any) -> str:
    if isinstance(value, list):
        return " / ".join(map(_told, value))
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
