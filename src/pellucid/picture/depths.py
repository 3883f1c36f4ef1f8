"""Samples of 8 bits, 16 bits and float32 into each other.

float32 is 0..1 in the picture's own encoding (sRGB as a rule): nothing here is made linear.
"""

from __future__ import annotations

import numpy as np

from pellucid.errors import NotFiniteError, UsageError
from pellucid.picture.formats import Depth

DTYPES: dict[Depth, type] = {"8": np.uint8, "16": np.uint16, "float": np.float32}


def depth_of(dtype: np.dtype | type) -> Depth:
    """The depth whose samples have this type."""
    for depth, known in DTYPES.items():
        if np.dtype(dtype) == known:
            return depth
    raise UsageError("no picture has such samples", seen=np.dtype(dtype).name, expected="uint8, uint16 or float32")


def to_float(pixels: np.ndarray) -> np.ndarray:
    """uint8 or uint16 to float32 in 0..1; float32 as it is."""
    if depth_of(pixels.dtype) == "float":
        return pixels
    return np.multiply(pixels, np.float32(1 / np.iinfo(pixels.dtype).max), dtype=np.float32)


def from_float(x: np.ndarray, dtype: np.dtype | type) -> np.ndarray:
    """float32 to the samples of `dtype`: clipped to 0..1, rounded to the nearest, halves upwards. NaN is refused."""
    refuse_not_finite(x)
    if depth_of(dtype) == "float":
        return x.astype(np.float32, copy=False)
    top = np.float32(np.iinfo(dtype).max)
    y = np.multiply(x, top, dtype=np.float32)
    np.clip(y, 0, top, out=y)
    y += np.float32(0.5)
    return y.astype(dtype)


def to_depth(pixels: np.ndarray, depth: Depth) -> np.ndarray:
    """Samples of any depth to `depth`; 16 to 8 bits rounds to the nearest."""
    given = depth_of(pixels.dtype)
    if given == depth:
        return pixels
    if depth == "float":
        return to_float(pixels)
    if given == "float":
        return from_float(pixels, DTYPES[depth])
    if depth == "16":
        return pixels.astype(np.uint16) * np.uint16(257)
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def refuse_not_finite(x: np.ndarray, name: str = "a picture") -> None:
    """A NaN would become black without a word."""
    if x.size and not (np.isfinite(x.min()) and np.isfinite(x.max())):
        seen = f"{int(np.count_nonzero(~np.isfinite(x)))} of {x.size} samples"
        raise NotFiniteError(f"{name} holds NaN or infinity", seen=seen, expected="finite samples, 0 to 1")
