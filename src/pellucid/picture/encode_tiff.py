"""TIFF from rows: 8, 16 bits and float, deflated strips, BigTIFF where 4 GiB might not do; EXIF, XMP and profile.

Our own, because libvips writes no EXIF into TIFF and takes no float rows from a stream. Memory: a strip. It writes
one picture, no tiles and no pyramids.
"""

from __future__ import annotations

import zlib
from typing import IO

import numpy as np

from pellucid.picture import metadata, tags
from pellucid.picture.depths import DTYPES
from pellucid.picture.kinds import PictureInfo
from pellucid.picture.tags import LONG, LONG8, SHORT, UNDEFINED, Directory, Layout, numbers

_STRIP_BYTES = 1 << 20
_BIG_FROM = 4_000_000_000  # pixels before compression; what deflate adds to noise and the tags fit into the rest
_INTEGERS, _FLOATS = 1, 3
_DIFFERENCES, _FLOAT_DIFFERENCES = 2, 3


class TiffEncoder:
    """Rows from the top, then `finish`; or `abandon`."""

    def __init__(self, file: IO[bytes], info: PictureInfo) -> None:
        self._file, self._info = file, info
        self._bands = info.channels + info.has_alpha
        self._dtype = np.dtype(DTYPES[info.depth]).newbyteorder("<")
        row_bytes = info.width * self._bands * self._dtype.itemsize
        self._layout = Layout("<", big=row_bytes * info.height > _BIG_FROM)
        self._strip_rows = min(info.height, max(1, _STRIP_BYTES // row_bytes))
        self._waiting: list[np.ndarray] = []
        self._offsets: list[int] = []
        self._sizes: list[int] = []
        file.write(b"II+\0\x08\0\0\0" + bytes(8) if self._layout.big else b"II*\0" + bytes(4))
        self._at = file.tell()

    def write(self, block: np.ndarray) -> None:
        """Rows (k, w, bands)."""
        rows = np.concatenate([*self._waiting, block]) if self._waiting else block
        whole = len(rows) // self._strip_rows * self._strip_rows
        for y in range(0, whole, self._strip_rows):
            self._write_strip(rows[y : y + self._strip_rows])
        self._waiting = [rows[whole:].copy()] if whole < len(rows) else []

    def finish(self) -> None:
        for rest in self._waiting:
            self._write_strip(rest)
        self._append(b"\0" * (self._at % 2))
        exif, gps = self._write_inner_directories()
        first = self._first_directory() | exif | gps
        place = self._at
        self._append(tags.pack_directory(first, self._layout, place))
        self._file.seek(8 if self._layout.big else 4)
        self._file.write(self._layout.pack(self._layout.offset, place))

    def abandon(self) -> None:
        """Nothing is held."""

    def _append(self, data: bytes) -> None:
        self._file.write(data)
        self._at += len(data)

    def _write_strip(self, rows: np.ndarray) -> None:
        if self._dtype.kind == "f":
            packed = zlib.compress(_float_differences(rows), 1)  # more buys 2 % and costs half the speed
        else:
            packed = zlib.compress(_differences(rows).astype(self._dtype, copy=False).data, 4)
        self._offsets.append(self._at)
        self._sizes.append(len(packed))
        self._append(packed)

    def _first_directory(self) -> Directory:
        info, bits = self._info, self._dtype.itemsize * 8
        kind = _FLOATS if self._dtype.kind == "f" else _INTEGERS
        where = LONG8 if self._layout.big else LONG
        described, _, _ = metadata.exif_directories(info.exif)
        if info.density and metadata.X_RESOLUTION not in described:
            described = described | metadata.resolution(*info.density)
        directory = described | {
            256: numbers(LONG, info.width),
            257: numbers(LONG, info.height),
            258: numbers(SHORT, *[bits] * self._bands),
            259: numbers(SHORT, 8),  # deflate
            262: numbers(SHORT, 2 if info.channels == 3 else 1),  # RGB or grey, black is zero
            273: numbers(where, *self._offsets),
            metadata.ORIENTATION: numbers(SHORT, 1),
            277: numbers(SHORT, self._bands),
            278: numbers(LONG, self._strip_rows),
            279: numbers(where, *self._sizes),
            284: numbers(SHORT, 1),  # samples of a pixel lie together
            317: numbers(SHORT, _FLOAT_DIFFERENCES if kind == _FLOATS else _DIFFERENCES),
            339: numbers(SHORT, *[kind] * self._bands),
        }
        if info.has_alpha:
            directory[338] = numbers(SHORT, 2)  # alpha the colours are not multiplied with
        if info.xmp:
            directory[700] = tags.Tag(tags.BYTE, len(info.xmp), info.xmp)
        if info.profile:
            directory[34675] = tags.Tag(UNDEFINED, len(info.profile), info.profile)
        return directory

    def _write_inner_directories(self) -> tuple[Directory, Directory]:
        """Appends the EXIF and the GPS directory; the tags that point to them."""
        _, exif, gps = metadata.exif_directories(self._info.exif)
        if exif:
            exif[metadata.PIXEL_WIDTH] = numbers(LONG, self._info.width)
            exif[metadata.PIXEL_HEIGHT] = numbers(LONG, self._info.height)
        pointers: list[Directory] = []
        for tag, directory in ((metadata.EXIF_DIRECTORY, exif), (metadata.GPS_DIRECTORY, gps)):
            pointers.append({tag: numbers(LONG8 if self._layout.big else LONG, self._at)} if directory else {})
            if directory:
                self._append(tags.pack_directory(directory, self._layout, self._at))
        return pointers[0], pointers[1]


def _differences(rows: np.ndarray) -> np.ndarray:
    """TIFF's predictor 2: every sample less its left neighbour's of the same band. (k, w, bands)."""
    out = np.array(rows, order="C")
    out[:, 1:] -= rows[:, :-1]
    return out


def _float_differences(rows: np.ndarray) -> bytes:
    """TIFF's predictor 3: a row's bytes sorted by significance, then byte differences. (k, w, bands) float32."""
    k, w, bands = rows.shape
    data = np.ascontiguousarray(rows, ">f4").view(np.uint8).reshape(k, w * bands, 4)
    planes = data.swapaxes(1, 2).reshape(k, 4 * w * bands)  # most significant bytes first
    out = planes.copy()
    out[:, bands:] -= planes[:, :-bands]
    return out.tobytes()
