"""`make docs`: writes `docs/reference/commands.md` from the commands themselves. `tests/test_docs.py` holds the page to
them, and every link in the documents to a file that is there."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import click

from pellucid.cli import COMMANDS, pellucid

PAGE = Path(__file__).parent / "reference" / "commands.md"
HEAD = "# Commands\n\nWhat `pellucid NAME --help` says; made by `make docs`.\n"


def commands_page() -> str:
    """The page as it should be."""
    parts = [HEAD, _section("pellucid", pellucid)]
    for name in COMMANDS:
        parts.append(_section(f"pellucid {name}", importlib.import_module(f"pellucid.cli.{name}").command))
    return "\n".join(parts)


def _section(title: str, command: click.Command) -> str:
    context = click.Context(command, info_name=title, max_content_width=100, terminal_width=100)
    return f"## {title}\n\n```\n{command.get_help(context)}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(commands_page())
    print(f"wrote {PAGE}", file=sys.stderr)
