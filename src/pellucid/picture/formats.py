"""The picture formats as data: names, suffixes, what each can hold; and telling them apart by their first bytes.

The suffix of a file that is read says nothing here: content decides. The suffix of a file that is written does.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from pellucid.errors import UsageError

Depth = Literal["8", "16", "float"]


@dataclass(frozen=True)
class Format:
    """One format. `depths` are those we write, () where we only read it; sides are in pixels."""

    name: str
    suffixes: tuple[str, ...]
    depths: tuple[Depth, ...] = ()
    alpha: bool = False
    max_side: int = 0

    def stored_depth(self, depth: Depth) -> Depth:
        """The depth in which the format keeps rows of `depth`: the same, or the nearest below."""
        if depth in self.depths:
            return depth
        return "16" if depth == "float" and "16" in self.depths else "8"


PNG = Format("PNG", (".png",), ("8", "16"), alpha=True, max_side=1_000_000)
JPEG = Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), ("8",), max_side=65_535)
TIFF = Format("TIFF", (".tif", ".tiff"), ("8", "16", "float"), alpha=True, max_side=2**31 - 1)
WEBP = Format("WebP", (".webp",), ("8",), alpha=True, max_side=16_383)
BMP = Format("BMP", (".bmp", ".dib"), ("8",), max_side=2**31 - 1)
GIF = Format("GIF", (".gif",))
PNM = Format("PNM", (".ppm", ".pgm", ".pnm"))

FORMATS = (PNG, JPEG, TIFF, WEBP, BMP, GIF, PNM)
PICTURE_SUFFIXES = tuple(suffix for f in FORMATS for suffix in f.suffixes)
"""Every suffix, lower case, that a folder walk takes for a picture's."""

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"II+\0", TIFF),
    (b"MM\0+", TIFF),
    (b"BM", BMP),
    (b"GIF8", GIF),
    (b"P5", PNM),
    (b"P6", PNM),
)


def is_picture_name(path: str | os.PathLike[str]) -> bool:
    """Whether a file so named is taken for a picture when a folder is walked."""
    return os.path.splitext(os.fspath(path))[1].lower() in PICTURE_SUFFIXES


def is_writable_name(path: str | os.PathLike[str]) -> bool:
    """Whether a file so named can be written; GIF and PNM are only read."""
    suffix = os.path.splitext(os.fspath(path))[1].lower()
    return any(suffix in f.suffixes for f in FORMATS if f.depths)


def format_of_content(head: bytes) -> Format | None:
    """The format that begins with these bytes (12 suffice)."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    return next((f for magic, f in _MAGIC if head.startswith(magic)), None)


def format_to_write(name: str | None, target_name: str | None) -> Format:
    """The format of a new file: the one named ("png", ".png", "JPEG"), else the one its name's suffix means."""
    writable = [f for f in FORMATS if f.depths]
    if name is not None:
        suffix = "." + name.lower().lstrip(".")
    elif target_name is not None:
        suffix = os.path.splitext(target_name)[1].lower()
    else:
        suffix = ""
    for f in writable:
        if suffix in f.suffixes or suffix == "." + f.name.lower():
            return f
    known = ", ".join(f.name.lower() for f in writable)
    if not suffix:
        raise UsageError(
            "no picture format is named", seen=target_name or "a stream", expected=f"a suffix or format: {known}"
        )
    raise UsageError("this format can't be written", seen=suffix, expected=known, hint="--format png, for example")
