"""The photographs a database is cut from: which files, what is in them, their pixels.

Every picture is decoded once in full before the first crop is cut, so that a file that breaks off in its middle is
known, and left out, before anything depends on it. A picture is known by the checksum of its file: moving or renaming
the files, or naming them in another order, changes no crop.

What becomes of unusual pictures: grey ones get three equal channels; 16 bits and floats are rounded to 8; an alpha
channel is dropped where it is opaque throughout, and otherwise the picture is left out, because the colour of
transparent pixels means nothing; a copy of a picture is left out, or it could be in both parts. Colour profiles are
not applied.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pellucid.errors import DatabaseError, PellucidError, PictureError
from pellucid.learn.data.detail import detailed_places
from pellucid.picture.depths import from_float, to_depth, to_float
from pellucid.picture.formats import is_picture_name
from pellucid.resample import RowResampler

BAND = 256
"""Rows that are shrunk at a time: a picture in float32 would need four times the memory of the picture."""


@dataclass(frozen=True)
class SourceFile:
    """A file that may be a picture. `name` is its place below the folder it was found in, with the folder's name."""

    name: str
    path: str


@dataclass(frozen=True)
class SourcePicture:
    """A picture that crops can be cut from; height and width are those after shrinking."""

    name: str
    sha256: str
    height: int
    width: int
    share: float  # of its places that have enough detail

    @property
    def weight(self) -> float:
        """How often it is cut from, relative to others: its area, less the part without detail."""
        return self.height * self.width * self.share


def find_files(photos: Iterable[str | Path]) -> list[SourceFile]:
    """All picture files named or below the folders named, in the order of their names."""
    found = []
    for top in map(Path, photos):
        if top.is_dir():
            found += [
                SourceFile(str(Path(top.resolve().name, path.relative_to(top))), str(path)) for path in _walk(top)
            ]
        elif top.exists():
            found.append(SourceFile(top.name, str(top)))
        else:
            raise PictureError("no such file or folder", seen=top)
    if not found:
        raise PictureError(
            "no pictures were found", seen=", ".join(map(str, photos)), expected="files or folders of them"
        )
    return sorted(dict.fromkeys(found), key=lambda file: (file.name, file.path))


def examine(file: SourceFile, crop: int, shrink: int, min_detail: float) -> SourcePicture | str:
    """Decodes a picture and says what crops it can give, or in one line why it is left out."""
    try:
        sha256 = file_checksum(file.path)
        pixels = decode(file.path)
        h, w = pixels.shape[0] // shrink, pixels.shape[1] // shrink
        if min(h, w) < crop:
            return f"too small: {w} x {h}{' after shrinking' if shrink > 1 else ''}, crops are {crop} x {crop}"
        share = 1.0
        if min_detail > 0:
            share = float(detailed_places(shrunk(pixels, shrink), crop, min_detail).mean())
            if share == 0:
                return f"no place with a detail of {min_detail:g}"
        return SourcePicture(file.name, sha256, h, w, share)
    except PellucidError as error:
        return str(error).removeprefix(f"{file.path}: ").replace(file.path, file.name)  # no folder is written down
    except OSError as error:
        return error.strerror or str(error)


def file_checksum(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load(file: SourceFile, sha256: str, shrink: int) -> np.ndarray:
    """The pixels to cut from (h, w, 3) uint8, if the file is still what it was when it was examined."""
    try:
        unchanged = file_checksum(file.path) == sha256
        pixels = shrunk(decode(file.path), shrink)
    except (OSError, PellucidError) as error:
        raise DatabaseError("a picture can no longer be read", seen=f"{file.path}: {error}") from error
    if not unchanged:
        raise DatabaseError("a picture changed while the database was made", seen=file.path, hint="repeat the command")
    return pixels


def decode(path: str) -> np.ndarray:
    """A picture file as (h, w, 3) uint8."""
    from pellucid import picture

    read = picture.read(path)
    if read.alpha is not None and to_depth(read.alpha, "8").min() < 255:
        raise PictureError("parts of the picture are transparent", seen=path)
    pixels = to_depth(read.pixels, "8")
    return pixels if pixels.shape[2] == 3 else np.repeat(pixels, 3, axis=2)


def shrunk(pixels: np.ndarray, factor: int) -> np.ndarray:
    """The picture scaled down by a whole number, antialiased bicubic, in bands of rows. (h, w, 3) -> (h/f, w/f, 3)

    Rows and columns beyond a multiple of the factor are cut off.
    """
    if factor == 1:
        return pixels
    h, w = pixels.shape[0] // factor, pixels.shape[1] // factor
    pixels = pixels[: h * factor, : w * factor]
    resampler = RowResampler(h * factor, w * factor, 1 / factor)
    bands = (to_float(pixels[y : y + BAND]) for y in range(0, len(pixels), BAND))
    return np.concatenate([from_float(resampler.push(band), np.uint8) for band in bands])[:h, :w]


def _walk(top: Path) -> Iterable[Path]:
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder, name) for name in names if not name.startswith(".") and is_picture_name(name))
