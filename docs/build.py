"""`make docs`: writes the pages that are made from the code, the models and the records: `docs/reference/commands.md`
from the commands' own help, `docs/reference/recipes.md` from the recipes, `docs/results.md` from the figures in the
cards of the models that ship, `docs/speed.md` from the records of the benchmarks, `docs/guide/experiments.md` from what
the experiments left. `tests/test_docs.py` holds the pages to them, and every link in the documents to a file that is
there."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import click

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent))

from docs.experiments import experiments_page  # noqa: E402
from docs.recipes import recipes_page  # noqa: E402
from docs.results import results_page  # noqa: E402
from docs.speed import speed_page  # noqa: E402

from pellucid.cli import COMMANDS  # noqa: E402
from pellucid.cli import pellucid as root  # noqa: E402


def commands_page() -> str:
    """What `pellucid NAME --help` says."""
    parts = ["# Commands\n\nWhat `pellucid NAME --help` says; made by `make docs`.\n", _help("pellucid", root)]
    for name in COMMANDS:
        parts.append(_help(f"pellucid {name}", importlib.import_module(f"pellucid.cli.{name}").command))
    return "\n".join(parts)


PAGES = {
    FOLDER / "reference" / "commands.md": commands_page,
    FOLDER / "reference" / "recipes.md": recipes_page,
    FOLDER / "results.md": results_page,
    FOLDER / "speed.md": speed_page,
    FOLDER / "guide" / "experiments.md": experiments_page,
}


def _help(title: str, command: click.Command) -> str:
    settings = {"max_content_width": 100, "terminal_width": 100, "help_option_names": ["-h", "--help"]}
    context = command.make_context(title, [], resilient_parsing=True, **settings)
    return f"## {title}\n\n```\n{command.get_help(context)}\n```\n"


if __name__ == "__main__":
    for page, text in PAGES.items():
        page.write_text(text())
        print(f"wrote {page}", file=sys.stderr)
