"""BMP from rows: 24-bit RGB, or 8-bit with a grey palette. Bottom-up, as every reader takes it."""

from __future__ import annotations

import struct
from typing import IO

import numpy as np

from pellucid.errors import PictureError
from pellucid.picture.kinds import PictureInfo


class BmpEncoder:
    """Rows from the top, then `finish`; or `abandon`."""

    def __init__(self, file: IO[bytes], info: PictureInfo) -> None:
        self._file, self._y = file, 0
        grey = info.channels == 1
        palette = b"".join(bytes((v, v, v, 0)) for v in range(256)) if grey else b""
        self._height, self._stride = info.height, (info.width * info.channels + 3) // 4 * 4
        self._start = 54 + len(palette)
        size = self._start + self._stride * info.height
        if size >= 2**32:
            raise PictureError("BMP holds no more than 4 GiB", seen=f"{size} bytes", hint="write PNG or TIFF")
        header = struct.pack("<2sIII", b"BM", size, 0, self._start)
        bits, colours = (8, 256) if grey else (24, 0)
        header += struct.pack("<IiiHHIIiiII", 40, info.width, info.height, 1, bits, 0, 0, 2835, 2835, colours, 0)
        file.write(header + palette)

    def write(self, block: np.ndarray) -> None:
        """Rows (k, w, bands)."""
        k = len(block)
        lines = np.zeros((k, self._stride), np.uint8)
        samples = block[::-1, :, ::-1].reshape(k, -1)  # bottom-up, BGR
        lines[:, : samples.shape[1]] = samples
        self._y += k
        self._file.seek(self._start + (self._height - self._y) * self._stride)
        self._file.write(lines.data)

    def finish(self) -> None:
        """All is written."""

    def abandon(self) -> None:
        """Nothing is held."""
