"""Whole pictures through a network: 8 bits, 16 bits and float, grey and colour, with alpha, profile and EXIF.

What arrives leaves in the same kind. Pictures that should not be whole in memory go by rows, through `pellucid.tasks`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pellucid.errors import UsageError

if TYPE_CHECKING:
    from pellucid.picture import Picture

Run = Callable[[np.ndarray], np.ndarray]


def run_array(run: Run, channels: int, pixels: np.ndarray) -> np.ndarray:
    """(h, w) or (h, w, c) of uint8, uint16 or float32 -> the same kind."""
    from pellucid.picture import from_float, to_float

    if pixels.ndim not in (2, 3) or 0 in pixels.shape:
        raise UsageError("no picture has this shape", seen=pixels.shape, expected="(h, w) or (h, w, c)")
    x = to_float(pixels)
    y = _run_channels(run, channels, x if x.ndim == 3 else x[:, :, None])
    return from_float(y if pixels.ndim == 3 else y[:, :, 0], pixels.dtype)


def run_picture(run: Run, channels: int, picture: Picture | str | os.PathLike[str]) -> Picture:
    """A `Picture`, or the file of one -> a `Picture`. Alpha is brought to the new size by bicubic interpolation."""
    from pellucid.picture import Picture, from_float, read, to_float
    from pellucid.resample import imresize
    from pellucid.transparency import fill_transparent

    if not isinstance(picture, (Picture, str, os.PathLike)):
        expected = "an array (h, w) or (h, w, c), a Picture, or the name of a file"
        raise UsageError("no picture can be made of this", seen=type(picture).__name__, expected=expected)
    if not isinstance(picture, Picture):
        picture = read(picture)
    if picture.alpha is None:
        return replace(picture, pixels=run_array(run, channels, picture.pixels))
    blocks = list(fill_transparent([(to_float(picture.pixels), to_float(picture.alpha))]))
    colour, alpha = (np.concatenate(part) for part in zip(*blocks, strict=True))
    y = _run_channels(run, channels, colour)
    alpha = alpha if y.shape[:2] == alpha.shape[:2] else np.clip(imresize(alpha, size=y.shape[:2]), 0, 1)
    dtype = picture.pixels.dtype
    return replace(picture, pixels=from_float(y, dtype), alpha=from_float(alpha.astype(np.float32), dtype))


def _run_channels(run: Run, channels: int, x: np.ndarray) -> np.ndarray:
    """(h, w, c) -> (h', w', c): grey as equal channels and their mean, colour through a grey network one by one."""
    c = x.shape[2]
    if c == channels:
        y = run(x[None])[0]
    elif c == 1:
        y = run(np.repeat(x, channels, axis=2)[None])[0]
        y = y.mean(axis=2, keepdims=True, dtype=np.float32) if y.shape[2] == channels else y[:, :, :0]
    elif channels == 1:
        planes = run(np.ascontiguousarray(x.transpose(2, 0, 1))[..., None])  # (c, h, w, 1), a batch
        y = planes[..., 0].transpose(1, 2, 0) if planes.shape[3] == 1 else planes[..., :0]
    else:
        raise UsageError("the picture has other channels", seen=f"{c} channels", expected=f"1 or {channels}")
    if y.shape[2] != c:
        raise UsageError("the network's output is no picture", hint="net.run(x) gives it as an array")
    return y
