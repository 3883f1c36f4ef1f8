"""Reading: any picture file as upright rows, from top to bottom, or whole.

Memory does not grow with height, but for interlaced and progressive files, which their decoders hold whole for a
while. It refuses what is no picture, is damaged, holds several pictures or exceeds the limit on pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType

import numpy as np

from pellucid.errors import PictureError
from pellucid.picture import metadata
from pellucid.picture.decode_bmp import BmpDecoder
from pellucid.picture.decode_pnm import PnmDecoder
from pellucid.picture.decode_vips import VipsDecoder
from pellucid.picture.depths import depth_of, refuse_not_finite
from pellucid.picture.formats import BMP, JPEG, PNM, format_of_content
from pellucid.picture.jpeg_tables import quality_of_jpeg
from pellucid.picture.kinds import Picture, PictureInfo
from pellucid.picture.orient import Decoder, WaitingRows
from pellucid.picture.sources import Source, SourceFile, open_source

DEFAULT_MAX_PIXELS = 400_000_000

Rows = tuple[np.ndarray, np.ndarray | None]
"""Pixels (k, w, 1 | 3) and alpha (k, w, 1) or None, both uint8, uint16 or float32."""


class RowReader:
    """An open picture: `info` at once, then rows in order, each once."""

    def __init__(self, source: SourceFile, decoder: Decoder) -> None:
        self._source, self._decoder, self._next = source, decoder, 0
        waits = decoder.orientation not in (1, 2) or decoder.interlaced
        self._waiting = WaitingRows(decoder) if waits else None
        height, width = decoder.height, decoder.width
        if self._waiting is not None:
            height, width = self._waiting.height, self._waiting.width
            decoder.close()  # an interlaced picture's decoder holds all of it
        channels = decoder.bands - (decoder.bands % 2 == 0)
        self.info = PictureInfo(
            height,
            width,
            channels,
            depth_of(decoder.dtype),
            has_alpha=decoder.bands % 2 == 0,
            profile=metadata.fitting_profile(decoder.profile, channels),
            exif=metadata.clean_exif(decoder.exif),
            xmp=metadata.clean_xmp(decoder.xmp),
            orientation_was=decoder.orientation,
            format=decoder.format.name,
            pages=decoder.pages,
            jpeg_quality=quality_of_jpeg(source.read_at) if decoder.format is JPEG else None,
            density=decoder.density[::-1] if decoder.density and decoder.orientation >= 5 else decoder.density,
            iptc=metadata.clean_iptc(decoder.iptc),
            converted_from=decoder.converted_from,
        )

    def rows(self, count: int = 64) -> Iterator[Rows]:
        """Blocks of `count` rows, the last one shorter, from where the last call stopped."""
        while self._next < self.info.height:
            k = min(count, self.info.height - self._next)
            block = self._block(self._next, k)  # (k, w, bands)
            self._next += k
            if block.dtype == np.float32:
                refuse_not_finite(block, self._source.name)
            c = self.info.channels
            yield block[:, :, :c], block[:, :, c:] if self.info.has_alpha else None

    def read(self) -> Picture:
        """All rows that are left, as one picture."""
        h, w, c = self.info.height - self._next, self.info.width, self.info.channels
        dtype = self._decoder.dtype
        pixels = np.empty((h, w, c), dtype)
        alpha = np.empty((h, w, 1), dtype) if self.info.has_alpha else None
        y = 0
        for block, block_alpha in self.rows(256):
            pixels[y : y + len(block)] = block
            if alpha is not None:
                alpha[y : y + len(block)] = block_alpha
            y += len(block)
        info = self.info
        return Picture(pixels, alpha, info.profile, info.exif, info.xmp, info.density, info.iptc)

    def close(self) -> None:
        self._decoder.close()
        if self._waiting is not None:
            self._waiting.close()
        self._source.close()

    def __enter__(self) -> RowReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _block(self, y: int, count: int) -> np.ndarray:
        if self._waiting is not None:
            return self._waiting.read(y, count)
        block = self._decoder.read(y, count)
        return block[:, ::-1] if self._decoder.orientation == 2 else block


def open_reader(source: Source, *, max_pixels: int | None = DEFAULT_MAX_PIXELS) -> RowReader:
    """Opens a path, bytes or a binary stream. Rotated and interlaced pictures are decoded here, the others row by row.

    `max_pixels` None lifts the limit.
    """
    file = open_source(source)
    try:
        return RowReader(file, _decoder(file, max_pixels))
    except BaseException:
        file.close()
        raise


def read(source: Source, *, max_pixels: int | None = DEFAULT_MAX_PIXELS) -> Picture:
    """A whole picture from a path, bytes or a binary stream."""
    with open_reader(source, max_pixels=max_pixels) as reader:
        return reader.read()


def _decoder(source: SourceFile, max_pixels: int | None) -> Decoder:
    head = source.head(16)
    if not head:
        raise PictureError(f"{source.name}: an empty file", seen="0 bytes", expected="a picture")
    format = format_of_content(head)
    if format is None:
        raise PictureError(
            f"{source.name}: not a picture this program reads",
            seen=f"a file that begins with {bytes(head[:8])!r}",
            expected="PNG, JPEG, TIFF, WebP, BMP, GIF, PPM or PGM",
        )
    if format is BMP:
        return BmpDecoder(source, max_pixels)
    return PnmDecoder(source, max_pixels) if format is PNM else VipsDecoder(source, format, max_pixels)
