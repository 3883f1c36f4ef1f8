"""Pictures whose rows can't be taken as they come: rotated, mirrored or interlaced. They wait on disk.

The decoder runs through once and is let go; what it gave lies in a file without a name, mapped read-only, and is
looked at the right way round. Small pictures wait in memory instead.
"""

from __future__ import annotations

import mmap
import tempfile
from typing import Protocol

import numpy as np

from pellucid.picture.formats import Format
from pellucid.picture.sources import disk_error

MEMORY_BYTES = 32 << 20
"""Pictures up to this size wait in memory."""
_BLOCK_BYTES = 8 << 20


class Decoder(Protocol):
    """What every format's decoder offers."""

    format: Format
    height: int
    width: int
    bands: int
    dtype: np.dtype
    orientation: int
    interlaced: bool
    profile: bytes | None
    exif: bytes | None
    xmp: bytes | None
    density: tuple[float, float] | None
    iptc: bytes | None
    converted_from: str | None
    pages: int

    def read(self, y: int, count: int) -> np.ndarray: ...

    def close(self) -> None: ...


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """A view of (h, w, c) stored with an EXIF orientation, as it should be seen."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)  # (h, w, c) -> (w, h, c)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


class WaitingRows:
    """The whole of a decoder's picture, read row by row the right way round."""

    def __init__(self, decoder: Decoder) -> None:
        shape = decoder.height, decoder.width, decoder.bands
        row_bytes = decoder.width * decoder.bands * decoder.dtype.itemsize
        step = max(1, _BLOCK_BYTES // row_bytes)
        self._map: mmap.mmap | None = None
        if row_bytes * decoder.height <= MEMORY_BYTES:
            whole = np.empty(shape, decoder.dtype)
            for y in range(0, decoder.height, step):
                count = min(step, decoder.height - y)
                whole[y : y + count] = decoder.read(y, count)
        else:
            whole = self._spooled(decoder, step).reshape(shape)
        self._rows = upright(whole, decoder.orientation)
        self.height, self.width = self._rows.shape[:2]
        self._first, self._ready = 0, self._rows[:0]
        self._ahead = max(1, self.height * _BLOCK_BYTES // whole.nbytes)

    def read(self, y: int, count: int) -> np.ndarray:
        """Rows y to y + count, (count, w, bands)."""
        if self._map is None:
            return np.ascontiguousarray(self._rows[y : y + count])
        if y < self._first or y + count > self._first + len(self._ready):
            self._first, self._ready = y, self._turned(y, max(count, self._ahead))
        return self._ready[y - self._first : y - self._first + count]

    def close(self) -> None:
        del self._rows, self._ready

    def _turned(self, y: int, count: int) -> np.ndarray:
        """A copy of rows, gathered piece by piece: a row that was a column touches every page of the file, and pages
        let go at once stay in the system's cache but not in our memory."""
        rows = self._rows[y : y + count]
        out = np.empty(rows.shape, rows.dtype)
        step = max(1, self.width * _BLOCK_BYTES // self._rows.nbytes)
        for x in range(0, self.width, step):
            out[:, x : x + step] = rows[:, x : x + step]
            if self._map is not None:
                self._map.madvise(mmap.MADV_DONTNEED)
        return out

    def _spooled(self, decoder: Decoder, step: int) -> np.ndarray:
        with tempfile.TemporaryFile() as file:
            try:
                for y in range(0, decoder.height, step):
                    file.write(np.ascontiguousarray(decoder.read(y, min(step, decoder.height - y))).data)
                file.flush()
            except OSError as error:
                raise disk_error(error, "a rotated or interlaced picture can't wait on disk") from None
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return np.frombuffer(self._map, decoder.dtype)
