"""Cutting crops and writing them to their places: the part of `createdb` that runs in several processes.

Where a crop comes from is a function of (seed, place), so places are shuffled from the start, and processes share
nothing. A crop's row in the index is written after its pixels and carries their checksum: what verifies is done, and
nothing else has to be remembered for resuming.
"""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pellucid.learn.data.database import CROPS, INDEX, INDEX_TYPE
from pellucid.learn.data.detail import detailed_places
from pellucid.learn.data.keyed_random import below
from pellucid.learn.data.source_pictures import SourceFile, load

POSITION = 3
"""The stream of random numbers that crops' positions are drawn from; the plan uses 1 and 2."""


@dataclass(frozen=True)
class Piece:
    """Crops to cut from one picture, as one piece of work."""

    folder: Path
    file: SourceFile
    picture: int
    sha256: str
    places: np.ndarray  # (n,) int64, where in the database
    crop: int
    shrink: int
    min_detail: float
    seed: int


class ArrayFile:
    """The items of an npy file, read and written one by one: a memory map would count every page as memory in use."""

    def __init__(self, path: Path) -> None:
        array = np.lib.format.open_memmap(path, mode="r")
        assert isinstance(array, np.memmap)
        self._start, self._size = array.offset, array.nbytes // len(array)
        self._file = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))

    def __enter__(self) -> ArrayFile:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def read(self, i: int) -> bytes:
        return os.pread(self._file, self._size, self._start + i * self._size)

    def write(self, i: int, item: bytes) -> None:
        done = 0
        while done < len(item):
            done += os.pwrite(self._file, item[done:], self._start + i * self._size + done)


def cut(piece: Piece) -> int:
    """Cuts and writes those crops of the piece that are not there yet; returns how many crops the piece has. [C1]"""
    with ArrayFile(piece.folder / CROPS) as crops, ArrayFile(piece.folder / INDEX) as index:
        missing = np.array([i for i in piece.places.tolist() if not _is_done(i, crops, index)], np.int64)
        if len(missing):
            _cut(piece, missing, crops, index)
    return len(piece.places)


def _is_done(place: int, crops: ArrayFile, index: ArrayFile) -> bool:
    crc = int(np.frombuffer(index.read(place), INDEX_TYPE)["crc"][0])
    return crc != 0 and crc == zlib.crc32(crops.read(place))


def _cut(piece: Piece, places: np.ndarray, crops: ArrayFile, index: ArrayFile) -> None:
    pixels, enough = _opened(piece)
    n = piece.crop
    ys, xs = positions(piece.seed, places, pixels.shape[0] - n + 1, pixels.shape[1] - n + 1, enough)
    for place, y, x in zip(places.tolist(), ys.tolist(), xs.tolist(), strict=True):
        crop = pixels[y : y + n, x : x + n].tobytes()
        crops.write(place, crop)
        index.write(place, np.array((piece.picture, y, x, zlib.crc32(crop)), INDEX_TYPE).tobytes())


def positions(
    seed: int, places: np.ndarray, rows: int, columns: int, enough: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """The y and x of each crop, all of the rows x columns equally likely, or all of those where there is `enough`."""
    if enough is None:
        chosen = below(rows * columns, seed, POSITION, places)
        return chosen // columns, chosen % columns
    passed = np.cumsum(np.count_nonzero(enough, axis=1))  # (rows,) places with enough detail so far
    chosen = below(int(passed[-1]), seed, POSITION, places)
    ys = np.searchsorted(passed, chosen, side="right")
    in_row = chosen - np.concatenate([[0], passed])[ys]
    xs = [np.flatnonzero(enough[y])[k] for y, k in zip(ys.tolist(), in_row.tolist(), strict=True)]
    return ys, np.array(xs, np.int64)


_last: tuple[object, tuple[np.ndarray, np.ndarray | None]] | None = None
"""The picture that this process cut from last: the next piece is often of the same one."""


def _opened(piece: Piece) -> tuple[np.ndarray, np.ndarray | None]:
    global _last
    key = (piece.file, piece.sha256, piece.shrink, piece.crop, piece.min_detail)
    if _last is None or _last[0] != key:
        _last = None  # lets the last picture go before the next one needs the memory
        pixels = load(piece.file, piece.sha256, piece.shrink)
        enough = detailed_places(pixels, piece.crop, piece.min_detail) if piece.min_detail > 0 else None
        _last = key, (pixels, enough)
    return _last[1]
