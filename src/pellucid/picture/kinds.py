"""PictureInfo, what is known of a picture before its rows; Picture, a whole one in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid.errors import UsageError
from pellucid.picture.depths import depth_of
from pellucid.picture.formats import Depth


@dataclass(frozen=True)
class PictureInfo:
    """A picture without its pixels, as it stands once upright.

    `channels` is 1 (grey) or 3 (RGB); transparency is beside them, not among them. `orientation_was` is the tag of
    the file (1 to 8), already applied; `exif` and `xmp` no longer hold it. `jpeg_quality` is how coarsely a JPEG file
    was rounded, 1 to 100; `density` is pixels per millimetre across and down, where the file says it; `iptc` is
    Photoshop's segment of a JPEG; `converted_from` names colours that are neither grey nor RGB. For a target, replace
    height and width.
    """

    height: int
    width: int
    channels: int
    depth: Depth = "8"
    has_alpha: bool = False
    profile: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    orientation_was: int = 1
    format: str | None = None
    pages: int = 1
    jpeg_quality: int | None = None
    density: tuple[float, float] | None = None
    iptc: bytes | None = None
    converted_from: str | None = None

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1 or self.channels not in (1, 3):
            seen = f"{self.height} x {self.width} x {self.channels}"
            raise UsageError("no picture has this shape", seen=seen, expected="height, width >= 1, channels 1 or 3")


@dataclass
class Picture:
    """A whole picture: `pixels` (h, w, 1 | 3), `alpha` (h, w, 1) of the same type, not multiplied in, or None."""

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    profile: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    density: tuple[float, float] | None = None
    iptc: bytes | None = None

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[2] not in (1, 3) or 0 in self.pixels.shape:
            raise UsageError("no picture has this shape", seen=self.pixels.shape, expected="(h, w, 1) or (h, w, 3)")
        depth_of(self.pixels.dtype)
        if self.alpha is not None and (
            self.alpha.shape != (*self.pixels.shape[:2], 1) or self.alpha.dtype != self.pixels.dtype
        ):
            raise UsageError(
                "alpha does not fit its picture",
                seen=f"{self.alpha.shape} {self.alpha.dtype}",
                expected=f"{(*self.pixels.shape[:2], 1)} {self.pixels.dtype}",
            )

    @staticmethod
    def from_array(array: np.ndarray) -> Picture:
        """From (h, w) or (h, w, c) with c = 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha; bool and float64 too."""
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        elif array.dtype == np.bool_:
            array = array.astype(np.uint8) * np.uint8(255)
        if array.ndim == 2:
            array = array[:, :, None]
        if array.ndim == 3 and array.shape[2] in (2, 4):
            return Picture(array[:, :, :-1], array[:, :, -1:])
        return Picture(array)

    @property
    def info(self) -> PictureInfo:
        h, w, c = self.pixels.shape
        depth = depth_of(self.pixels.dtype)
        return PictureInfo(
            h,
            w,
            c,
            depth,
            self.alpha is not None,
            self.profile,
            self.exif,
            self.xmp,
            density=self.density,
            iptc=self.iptc,
        )
