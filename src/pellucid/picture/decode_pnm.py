"""Binary PPM and PGM (P6, P5) as rows, 8 and 16 bits. Plain-text ones and files of several pictures are refused."""

from __future__ import annotations

import re

import numpy as np

from pellucid.errors import PictureError
from pellucid.picture.formats import PNM
from pellucid.picture.sources import SourceFile, refuse_too_many_pixels

_HEADER = re.compile(rb"P([56])((?:\s+|#[^\n]*\n)+)(\d+)((?:\s+|#[^\n]*\n)+)(\d+)((?:\s+|#[^\n]*\n)+)(\d+)\s")


class PnmDecoder:
    """Rows from the top, in any order."""

    format, orientation, interlaced, pages = PNM, 1, False, 1
    profile: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    density: tuple[float, float] | None = None
    iptc: bytes | None = None
    converted_from: str | None = None

    def __init__(self, source: SourceFile, max_pixels: int | None) -> None:
        self._source = source
        header = _HEADER.match(source.head(4096))
        if header is None:
            raise PictureError(f"{source.name}: a PNM file with a damaged header", expected="width, height, maximum")
        self.bands = 1 if header[1] == b"5" else 3
        self.width, self.height, self._top = int(header[3]), int(header[5]), int(header[7])
        if not (self.width and self.height and 0 < self._top < 65536):
            raise PictureError(
                f"{source.name}: a PNM file with an absurd header", seen=header[0].decode(errors="replace")
            )
        refuse_too_many_pixels(source.name, self.height, self.width, max_pixels)
        self.dtype: np.dtype = np.dtype(np.uint8 if self._top < 256 else np.uint16)
        self._at, self._stride = header.end(), self.width * self.bands * self.dtype.itemsize
        end = self._at + self._stride * self.height
        if source.size < end:
            seen = f"{source.size} bytes"
            raise PictureError(f"{source.name}: a PNM file that is cut short", seen=seen, expected=f"{end} bytes")
        if source.size > end + 1 and source.read_at(end, 2) in (b"P5", b"P6"):
            raise PictureError(f"{source.name}: holds several pictures", expected="one", hint="split it first")

    def read(self, y: int, count: int) -> np.ndarray:
        """Rows y to y + count, (count, w, bands)."""
        data = self._source.read_at(self._at + y * self._stride, count * self._stride)
        rows = np.frombuffer(data, self.dtype.newbyteorder(">")).astype(self.dtype)
        full = np.iinfo(self.dtype).max
        if self._top != full:
            rows = ((np.minimum(rows, self._top).astype(np.uint32) * full + self._top // 2) // self._top).astype(
                rows.dtype
            )
        return rows.reshape(count, self.width, self.bands)

    def close(self) -> None:
        """Nothing is held."""
