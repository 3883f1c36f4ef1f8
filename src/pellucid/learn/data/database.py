"""The crop database: one folder that holds shuffled crops, where each came from, and what made it.

    crops.db/
        header.json   format, options, the pictures with their checksums, the pictures left out
        crops.npy     uint8 (count, crop, crop, 3): the training part first, then the validation part
        index.npy     for each crop its picture, y, x and the CRC-32 of its pixels

Nothing in it depends on when, where or by how many processes it was made. This file opens databases and checks them;
it makes none: see create_database.py.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.errors import DatabaseError

FORMAT = "pellucid crop database"
VERSION = 1
HEADER, CROPS, INDEX = "header.json", "crops.npy", "index.npy"
INDEX_TYPE = np.dtype([("picture", "<u4"), ("y", "<u4"), ("x", "<u4"), ("crc", "<u4")])
MAKE_AGAIN = "make it again with `pellucid createdb`"


@dataclass(frozen=True)
class CropDatabase:
    """An open database. `train` and `val` are memory maps (n, h, w, 3) uint8 over the two parts of one file."""

    path: Path
    header: dict[str, Any]
    train: np.ndarray
    val: np.ndarray
    index: np.ndarray  # (count,) INDEX_TYPE
    fingerprint: str  # SHA-256 over header and index, and through its checksums over every pixel

    @property
    def crop(self) -> int:
        return self.train.shape[1]

    @property
    def pictures(self) -> list[str]:
        """The names of the source pictures; `index["picture"]` counts in this list."""
        return [picture["name"] for picture in self.header["pictures"]]

    def verify(self, advanced: Callable[[int], None] = lambda crops: None) -> None:
        """Reads every crop and compares its checksum; `advanced` is told how many crops have been read."""
        for part, start in ((self.train, 0), (self.val, len(self.train))):
            for i, crop in enumerate(part):
                if zlib.crc32(crop) != self.index["crc"][start + i]:
                    seen = f"{self.path}, crop {start + i}"
                    raise DatabaseError("a crop is damaged", seen=seen, hint=MAKE_AGAIN)
                if i % 256 == 255:
                    advanced(256)
            advanced(len(part) % 256)


def open_database(path: str | Path, *, at_least: int = 1) -> CropDatabase:
    """Opens a finished database whose crops are `at_least` so many pixels wide, and checks that it is whole. [C1]"""
    path = Path(path)
    header, text = _read_header(path)
    crop, count, train = header["crop"], header["train"] + header["val"], header["train"]
    if crop < at_least:
        raise DatabaseError(
            f"the crops of {path} are too small",
            seen=f"{crop} pixels",
            expected=f"at least {at_least}",
            hint=f"train on smaller patches, or make a database with --crop {at_least}",
        )
    crops = _map(path / CROPS, (count, crop, crop, 3), np.dtype(np.uint8))
    index = np.array(_map(path / INDEX, (count,), INDEX_TYPE))
    fingerprint = hashlib.sha256(text + index.tobytes()).hexdigest()
    return CropDatabase(path, header, crops[:train], crops[train:], index, fingerprint)


def _read_header(path: Path) -> tuple[dict[str, Any], bytes]:
    if not path.exists():
        started = path.with_name(path.name + ".part").exists()
        hint = "it is unfinished: repeat the command that makes it" if started else "`pellucid createdb` makes one"
        raise DatabaseError("there is no crop database", seen=path, hint=hint)
    try:
        text = (path / HEADER).read_bytes()
        header = json.loads(text)
    except (OSError, ValueError):
        raise DatabaseError(
            "not a crop database", seen=path, expected=f"a folder with {HEADER}", hint=MAKE_AGAIN
        ) from None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise DatabaseError("not a crop database", seen=path, expected=f"format {FORMAT!r} in {HEADER}")
    if header.get("version") != VERSION:
        raise DatabaseError(
            f"{path} was made by another version of this program",
            seen=f"format version {header.get('version')}",
            expected=f"version {VERSION}",
            hint=f"install the newer pellucid, or {MAKE_AGAIN}",
        )
    numbers = [header.get(name) for name in ("crop", "train", "val")]
    if not all(type(n) is int and n >= 0 for n in numbers) or not isinstance(header.get("pictures"), list):
        raise DatabaseError(f"the header of {path} is damaged", seen=numbers, hint=MAKE_AGAIN)
    return header, text


def _map(path: Path, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """A read-only map of an npy file that has to have this shape and type."""
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError):
        raise DatabaseError(
            "a file of the database is missing or damaged", seen=path, expected=f"{dtype} {shape}", hint=MAKE_AGAIN
        ) from None
    if array.shape != shape or array.dtype != dtype:
        raise DatabaseError(
            f"{path} does not belong to its header",
            seen=f"{array.dtype} {array.shape}",
            expected=f"{dtype} {shape}",
            hint=MAKE_AGAIN,
        )
    return array
