"""The frame of every page: one file of HTML with its style inside, without scripts, fetching nothing."""

from __future__ import annotations

import html
import os
from importlib.resources import files

from pellucid.errors import UsageError


def document(title: str, body: str) -> str:
    """`title` is text, `body` is HTML."""
    style = files("pellucid.inspect.page").joinpath("page.css").read_text(encoding="utf-8")
    name = html.escape(title)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name}</title><style>{style}</style></head><body><main><h1>{name}</h1>{body}</main></body></html>\n"
    )


def save(path: str, content: str | bytes) -> None:
    """Writes a page or a picture under a temporary name and renames it."""
    temporary = f"{path}.{os.getpid()}.part"
    try:
        with open(temporary, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        os.replace(temporary, path)
    except OSError as error:
        raise UsageError("the file cannot be written", seen=f"{path}: {error.strerror}") from None
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)
