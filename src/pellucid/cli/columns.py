"""Rows of text in columns that are as wide as they must be: readable in a pipe, never cut or wrapped."""

from __future__ import annotations

from collections.abc import Sequence


def columns(headings: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Lines of a table, headings first; the columns numbered in `right` are aligned to the right."""
    table = [list(headings), *map(list, rows)]
    widths = [max(len(row[place]) for row in table) for place in range(len(headings))]
    return ["  ".join(_cell(text, widths[i], i in right) for i, text in enumerate(row)).rstrip() for row in table]


def _cell(text: str, width: int, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)
