"""Reports of commands as files: refused before the work where they could not be written after it; then whole, or not
there at all."""

from __future__ import annotations

import os

from pellucid.errors import PellucidError


def refuse_unwritable(path: str) -> None:
    """Hours of work end in a report: its folder has to be there when they begin."""
    folder = os.path.dirname(path) or "."
    if os.path.isdir(path) or not os.access(folder, os.W_OK):
        raise PellucidError(
            "the report cannot be written", seen=path, expected="a file's name in a folder that can be written to"
        )


def write_whole(path: str, text: str) -> None:
    """The whole file or none."""
    part = f"{path}.part"
    try:
        with open(part, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(part, path)
    except OSError as error:
        raise PellucidError("the report cannot be written", seen=f"{path}: {error.strerror}") from None
