"""BMP as rows: 1, 4, 8, 16, 24 and 32 bits, bit fields, bottom-up and top-down. Runs (RLE) are refused.

A picture whose palette is grey throughout arrives as grey. The fourth byte of plain 32-bit pixels is padding, as
Windows has it; alpha exists where the header names its mask.
"""

from __future__ import annotations

import struct

import numpy as np

from pellucid.errors import PictureError
from pellucid.picture.formats import BMP
from pellucid.picture.sources import SourceFile, refuse_too_many_pixels

_RGB, _RLE8, _RLE4, _FIELDS, _ALPHA_FIELDS = 0, 1, 2, 3, 6
_COMPRESSIONS = {_RLE8: "RLE8", _RLE4: "RLE4", 4: "JPEG", 5: "PNG"}
_EMBEDDED_PROFILE = b"DEBM"  # "MBED", little-endian
_DEFAULT_FIELDS = {16: (0x7C00, 0x03E0, 0x001F, 0), 32: (0xFF0000, 0xFF00, 0xFF, 0)}


class BmpDecoder:
    """Rows from the top, in any order."""

    format, orientation, interlaced, pages = BMP, 1, False, 1
    dtype: np.dtype = np.dtype(np.uint8)
    exif: bytes | None = None
    xmp: bytes | None = None
    density: tuple[float, float] | None = None
    iptc: bytes | None = None
    converted_from: str | None = None

    def __init__(self, source: SourceFile, max_pixels: int | None) -> None:
        self._source = source
        try:
            self._read_header()
        except (ValueError, struct.error):
            raise PictureError(f"{source.name}: a BMP file that is damaged or cut short", seen="its header") from None
        refuse_too_many_pixels(source.name, self.height, self.width, max_pixels)
        need = self._pixels_at + self._stride * self.height
        if source.size < need:
            seen = f"{source.size} bytes"
            raise PictureError(f"{source.name}: a BMP file that is cut short", seen=seen, expected=f"{need} bytes")

    def read(self, y: int, count: int) -> np.ndarray:
        """Rows y to y + count, (count, w, bands)."""
        first = y if self._top_down else self.height - y - count
        data = self._source.read_at(self._pixels_at + first * self._stride, count * self._stride)
        rows = np.frombuffer(data, np.uint8).reshape(count, self._stride)
        if not self._top_down:
            rows = rows[::-1]
        if self._bits <= 8:
            return self._palette[self._indices(rows)]
        if self._bits == 24:
            return rows[:, : self.width * 3].reshape(count, self.width, 3)[:, :, ::-1]
        return self._unpacked(rows)

    def close(self) -> None:
        """Nothing is held."""

    def _read_header(self) -> None:
        read = self._source.read_at
        (self._pixels_at,) = struct.unpack("<I", read(10, 4))
        (size,) = struct.unpack("<I", read(14, 4))
        if size == 12:
            self.width, height, _, self._bits = struct.unpack("<HhHH", read(18, 8))
            compression, colours = _RGB, 0
        elif 40 <= size <= 256:
            self.width, height, _, self._bits, compression, _, _, _, colours = struct.unpack("<iiHHIIiiI", read(18, 32))
        else:
            raise ValueError("unknown header")
        self.height, self._top_down = abs(height), height < 0
        if self.width < 1 or self.height < 1 or self._pixels_at < 14 + size:
            raise ValueError("absurd header")
        self._refuse_what_we_lack(compression)
        self._stride = (self.width * self._bits + 31) // 32 * 4
        if self._bits <= 8:
            self._read_palette(14 + size, colours, entry=3 if size == 12 else 4)
        else:
            self._read_fields(compression, size)
        self.profile = self._read_profile(size)

    def _refuse_what_we_lack(self, compression: int) -> None:
        if compression not in (_RGB, _FIELDS, _ALPHA_FIELDS) or self._bits not in (1, 4, 8, 16, 24, 32):
            seen = _COMPRESSIONS.get(compression, f"{self._bits} bits, compression {compression}")
            raise PictureError(
                f"{self._source.name}: a BMP file of a kind that is not read",
                seen=seen,
                expected="uncompressed pixels of 1, 4, 8, 16, 24 or 32 bits",
                hint="save it as PNG first",
            )

    def _read_palette(self, at: int, colours: int, entry: int) -> None:
        count = min(colours or 1 << self._bits, 1 << self._bits, (self._pixels_at - at) // entry)
        table = np.frombuffer(self._source.read_at(at, count * entry), np.uint8).reshape(count, entry)[:, 2::-1]
        self.bands = 1 if (table == table[:, :1]).all() else 3
        self._palette = np.zeros((256, self.bands), np.uint8)  # indices beyond the table are black
        self._palette[:count] = table[:, : self.bands]

    def _read_fields(self, compression: int, size: int) -> None:
        fields = _DEFAULT_FIELDS.get(self._bits, (0, 0, 0, 0))
        if compression != _RGB and self._bits != 24:
            with_alpha = compression == _ALPHA_FIELDS or size >= 56
            fields = struct.unpack("<IIII", self._source.read_at(54, 16))
            fields = fields if with_alpha else (*fields[:3], 0)
            if not all(fields[:3]):
                raise ValueError("an empty bit field")
        self._fields = fields
        self.bands = 4 if fields[3] else 3

    def _read_profile(self, size: int) -> bytes | None:
        if size < 124 or self._source.read_at(14 + 56, 4) != _EMBEDDED_PROFILE:
            return None
        at, length = struct.unpack("<II", self._source.read_at(14 + 112, 8))
        return self._source.read_at(14 + at, length) if length < 1 << 24 else None

    def _indices(self, rows: np.ndarray) -> np.ndarray:
        if self._bits == 4:
            rows = np.stack([rows >> 4, rows & 15], axis=2).reshape(len(rows), -1)
        elif self._bits == 1:
            rows = np.unpackbits(rows, axis=1)
        return rows[:, : self.width]

    def _unpacked(self, rows: np.ndarray) -> np.ndarray:
        """Bit fields of 16 or 32 bits as 8-bit samples, (count, w, bands)."""
        words = np.ascontiguousarray(rows).view(f"<u{self._bits // 8}")[:, : self.width].astype(np.uint32)
        out = np.empty((*words.shape, self.bands), np.uint8)
        for band, mask in enumerate(self._fields[: self.bands]):
            shift = (mask & -mask).bit_length() - 1
            top = np.uint64(mask >> shift)
            out[:, :, band] = (((words & mask) >> shift) * np.uint64(255) + top // 2) // top
        return out
