"""Rows as an uncompressed PNG stream: how rows that a program makes reach libvips without ever being whole.

The stream is stored deflate blocks in a valid PNG of 8 or 16 bits, made for one reader that throws it away at once;
it is never a file.
"""

from __future__ import annotations

import struct
import threading
import zlib
from collections import deque
from collections.abc import Iterator

import numpy as np

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}


class PngStream:
    """Turns blocks of rows (k, w, bands) into the bytes of a PNG."""

    def __init__(self, height: int, width: int, bands: int, dtype: np.dtype) -> None:
        self._shape, self._dtype = (height, width, bands), np.dtype(dtype)
        self._deflate = zlib.compressobj(level=0)

    def begin(self) -> Iterator[bytes]:
        height, width, bands = self._shape
        header = struct.pack(">IIBBBBB", width, height, 8 * self._dtype.itemsize, _COLOUR_TYPES[bands], 0, 0, 0)
        yield b"\x89PNG\r\n\x1a\n"
        yield from _chunk(b"IHDR", header)

    def rows(self, block: np.ndarray) -> Iterator[bytes]:
        k = len(block)
        samples = np.ascontiguousarray(block, self._dtype.newbyteorder(">")).reshape(k, -1).view(np.uint8)
        lines = np.zeros((k, 1 + samples.shape[1]), np.uint8)  # a line begins with its filter: 0, none
        lines[:, 1:] = samples
        yield from _chunk(b"IDAT", self._deflate.compress(lines.data))

    def end(self) -> Iterator[bytes]:
        yield from _chunk(b"IDAT", self._deflate.flush())
        yield from _chunk(b"IEND", b"")


class Pipe:
    """Bytes from one thread to another: the writer waits when enough are under way, the reader when there are none."""

    def __init__(self, limit: int = 8 << 20) -> None:
        self._limit, self._size = limit, 0
        self._pieces: deque[memoryview] = deque()
        self._change = threading.Condition()
        self._closed = self._broken = False

    def put(self, data: bytes) -> bool:
        """Hands over; False when the reader has gone."""
        with self._change:
            while self._size >= self._limit and not self._broken:
                self._change.wait()
            if self._broken:
                return False
            if data:
                self._pieces.append(memoryview(data))
                self._size += len(data)
                self._change.notify_all()
            return True

    def take(self, size: int) -> bytes | None:
        """Up to `size` bytes; None at the end."""
        with self._change:
            while not self._pieces and not self._closed:
                self._change.wait()
            if not self._pieces:
                return None
            piece = self._pieces.popleft()
            taken, rest = piece[:size], piece[size:]
            if rest:
                self._pieces.appendleft(rest)
            self._size -= len(taken)
            self._change.notify_all()
            return bytes(taken)

    def close(self) -> None:
        """The writer's end: no more will come."""
        with self._change:
            self._closed = True
            self._change.notify_all()

    def break_off(self) -> None:
        """The reader's end: no more is wanted."""
        with self._change:
            self._broken = True
            self._pieces.clear()
            self._change.notify_all()


def _chunk(kind: bytes, data: bytes) -> Iterator[bytes]:
    yield struct.pack(">I", len(data)) + kind
    yield data
    yield struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
