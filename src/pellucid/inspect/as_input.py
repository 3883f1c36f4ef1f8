"""A picture as what a network reads: float32 batches of the right channels and size, for looking inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pellucid.errors import UsageError

if TYPE_CHECKING:
    from pellucid.network import Network

SIGMA = 25 / 255
"""The noise level told to denoising networks that read it from a channel of their own."""


def as_input(net: Network, picture: np.ndarray) -> np.ndarray:
    """(h, w) or (h, w, c), 8 bits, 16 bits or float32 -> (1, h, w, channels) float32.

    Grey is repeated, colour averaged; networks of two or four channels get the noise level `SIGMA` as the last one;
    networks of one size get the picture at that size.
    """
    from pellucid.picture import to_float

    x = to_float(picture if picture.ndim == 3 else picture[..., None])  # (h, w, c)
    if x.ndim != 3 or x.shape[2] not in (1, 3) or 0 in x.shape:
        raise UsageError("no picture has this shape", seen=picture.shape, expected="(h, w), (h, w, 1) or (h, w, 3)")
    x = _sized(x, net.graph.size)
    channels = net.graph.channels
    told = channels in (2, 4)
    colours = channels - told
    if colours not in (1, 3):
        raise UsageError(
            "the network reads no picture", seen=f"{channels} channels", expected="1 to 4", hint="use net.run"
        )
    if x.shape[2] != colours:
        x = np.repeat(x, 3, axis=2) if colours == 3 else x.mean(axis=2, keepdims=True)
    if told:
        x = np.concatenate([x, np.full((*x.shape[:2], 1), SIGMA)], axis=2)
    return np.ascontiguousarray(x[None], np.float32)


def _sized(x: np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
    if size is None or x.shape[:2] == size:
        return x
    from pellucid.resample import imresize

    return np.clip(imresize(x, size=size), 0, 1).astype(np.float32)
