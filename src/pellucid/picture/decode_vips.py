"""PNG, JPEG, TIFF, WebP and GIF as rows, decoded strip by strip by libvips.

Palettes arrive expanded, CMYK arrives as sRGB through its profile. It refuses several pages, transparency in more
planes than one, and samples that are neither 8 bits, 16 bits nor float.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from pellucid.errors import PictureError
from pellucid.picture import metadata
from pellucid.picture.formats import GIF, JPEG, PNG, TIFF, WEBP, Format
from pellucid.picture.libvips import complaint, one_line, source_for_jpeg, vips
from pellucid.picture.sources import SourceFile, refuse_too_many_pixels

_LOADERS = {
    PNG: "pngload_source",
    JPEG: "jpegload_source",
    TIFF: "tiffload_source",
    WEBP: "webpload_source",
    GIF: "gifload_source",
}
_SAMPLES: dict[str, np.dtype] = {
    "uchar": np.dtype(np.uint8),
    "ushort": np.dtype(np.uint16),
    "float": np.dtype(np.float32),
}
_FETCH_ROWS = 16
"""libvips keeps some 25 times of what is asked for at once: 280 rows of 30 kB took 280 MB, 32 rows 90 MB."""
_DEVICE_FREE = ("lab", "labq", "labs", "lch", "xyz", "yxy", "cmc", "hsv")
_OURS = ("srgb", "rgb", "rgb16", "scrgb", "b-w", "grey16", "multiband", "matrix", "histogram")


class VipsDecoder:
    """Rows from the top, once. `bands` is channels plus one for alpha."""

    def __init__(self, source: SourceFile, format: Format, max_pixels: int | None) -> None:
        self._source, self.format = source, format
        self.pages = self._pages()
        image = self._load()
        refuse_too_many_pixels(source.name, image.height, image.width, max_pixels)
        self.interlaced = bool(_get(image, "interlaced", 0))
        self.orientation = min(max(int(_get(image, "orientation", 1)), 1), 8)
        self.exif: bytes | None = _get(image, "exif-data", None)
        if format is TIFF:
            self.exif = metadata.exif_of_tiff(source.read_at)
        self.xmp: bytes | None = _get(image, "xmp-data", None)
        self.profile: bytes | None = _get(image, "icc-profile-data", None)
        self.density = _density(image, format)
        self.iptc: bytes | None = _get(image, "iptc-data", None) if format is JPEG else None
        self.converted_from: str | None = None
        self._image = self._in_our_colours(image)
        self.height, self.width, self.bands = self._image.height, self._image.width, self._image.bands
        self.dtype = _SAMPLES[self._image.format]
        self._region: Any = vips().Region.new(self._image)

    def read(self, y: int, count: int) -> np.ndarray:
        """Rows y to y + count, (count, w, bands). `y` never goes back."""
        rows = np.empty((count, self.width, self.bands), self.dtype)
        try:
            for k in range(0, count, _FETCH_ROWS):
                strip = rows[k : k + _FETCH_ROWS]
                data: Any = self._region.fetch(0, y + k, self.width, len(strip))
                strip[:] = np.frombuffer(data, self.dtype).reshape(strip.shape)
        except vips().Error as error:
            raise self._damaged(error) from None
        return rows

    def close(self) -> None:
        self._region = self._image = self._stream = None

    def _load(self) -> Any:
        pyvips = vips()
        self._source.file.seek(0)
        options = {"unlimited": True} if self.format is TIFF else {}  # our own limit on pixels rules
        try:
            self._stream = (
                source_for_jpeg(self._source.file)
                if self.format is JPEG
                else (pyvips.Source.new_from_descriptor(self._source.file.fileno()))
            )
            loader = _LOADERS[self.format]
            image = pyvips.Operation.call(loader, self._stream, access="sequential", fail_on="error", **options)
        except pyvips.Error as error:
            raise self._damaged(error) from None
        pages = max(self.pages, 1 if self.format is TIFF else int(_get(image, "n-pages", 1)))
        if pages > 1:
            raise PictureError(
                f"{self._source.name}: holds {pages} {'pages' if self.format is TIFF else 'frames'}",
                expected="one picture",
                hint="split it into single pictures first",
            )
        return image

    def _pages(self) -> int:
        """What libvips does not say: an animated PNG's frames, a TIFF's pages less its thumbnails."""
        try:
            if self.format is TIFF:
                return metadata.pages_of_tiff(self._source.read_at)
            return _frames_of_png(self._source) if self.format is PNG else 1
        except ValueError as error:
            raise self._damaged(error) from None

    def _in_our_colours(self, image: Any) -> Any:
        """Grey or RGB, alpha behind, in one of our sample types."""
        space, wide = image.interpretation, image.format == "ushort"
        try:
            if space == "cmyk":
                depth = 16 if wide else 8
                image = image.icc_transform("srgb", embedded=True, input_profile="cmyk", depth=depth)
                self.profile, self.converted_from = None, "CMYK"
            elif space in _DEVICE_FREE:
                image = image.colourspace("rgb16" if space in ("labs", "xyz") or wide else "srgb")
                self.profile, self.converted_from = None, space.upper()
        except vips().Error as error:
            raise PictureError(
                f"{self._source.name}: its colours can't be converted", seen=one_line(complaint(error))
            ) from None
        if image.format not in _SAMPLES:
            seen = f"samples of type {image.format}"
            raise PictureError(f"{self._source.name}: unknown depth", seen=seen, expected="8 bits, 16 bits or float32")
        if image.bands > 4 or space not in (*_OURS, *_DEVICE_FREE, "cmyk"):
            seen = f"{image.bands} planes, {space}"
            raise PictureError(f"{self._source.name}: neither grey nor colour", seen=seen, expected="grey, RGB, CMYK")
        return image

    def _damaged(self, error: Exception) -> PictureError:
        return PictureError(
            f"{self._source.name}: a {self.format.name} file that is damaged or cut short",
            seen=one_line(complaint(error)),
        )


def _get(image: Any, field: str, default: Any) -> Any:
    return image.get(field) if image.get_typeof(field) else default


def _density(image: Any, format: Format) -> tuple[float, float] | None:
    """Pixels per millimetre; None where the file says nothing, for which libvips has 72 to the inch, or one."""
    if format not in (PNG, JPEG, TIFF) or (image.xres == image.yres and round(image.xres, 2) in (1.0, 2.83)):
        return None
    return (image.xres, image.yres) if image.xres > 0 and image.yres > 0 else None


def _frames_of_png(source: SourceFile) -> int:
    """An animated PNG tells the number of its frames before the first pixel."""
    at = 8
    while True:
        size, kind = struct.unpack(">I4s", source.read_at(at, 8))
        if kind == b"acTL":
            return int(struct.unpack(">I", source.read_at(at + 8, 4))[0])
        if kind in (b"IDAT", b"IEND"):
            return 1
        at += 12 + size
