"""Values that only move: pixel shuffle, flatten, reorder, padding, cropping. [A7]

Each backward function moves gradients back to where the values came from; where a value was copied, they add up.
"""

import math

import numpy as np

from pellucid.errors import UsageError, unknown_name
from pellucid.reference.window import Array, Padding, per_dimension

_NUMPY_MODES = {"zero": "constant", "reflect": "reflect", "replicate": "edge"}


def pixel_shuffle(x: Array, factor: int) -> Array:
    """(n, h, w, c r r) -> (n, h r, w r, c): channel c r r + a r + b becomes row a, column b of a block r x r. [A7]"""
    n, h, w, channels = x.shape
    if channels % factor**2:
        raise UsageError("channels do not make blocks", seen=channels, expected=f"a multiple of {factor**2}")
    blocks = x.reshape(n, h, w, -1, factor, factor)  # (n, h, w, c, a, b)
    return blocks.transpose(0, 1, 4, 2, 5, 3).reshape(n, h * factor, w * factor, -1)


def pixel_shuffle_backward_data(dy: Array, factor: int) -> Array:
    """A permutation: its transpose is its inverse. [A7]"""
    return pixel_unshuffle(dy, factor)


def pixel_unshuffle(x: Array, factor: int) -> Array:
    """(n, h r, w r, c) -> (n, h, w, c r r): the inverse of `pixel_shuffle`. [A7]"""
    n, h, w, c = x.shape
    if h % factor or w % factor:
        raise UsageError("the picture does not fall into blocks", seen=f"{h} x {w}", expected=f"multiples of {factor}")
    blocks = x.reshape(n, h // factor, factor, w // factor, factor, c)  # (n, h, a, w, b, c)
    return blocks.transpose(0, 1, 3, 5, 2, 4).reshape(n, h // factor, w // factor, -1)


def pixel_unshuffle_backward_data(dy: Array, factor: int) -> Array:
    """A permutation: its transpose is its inverse. [A7]"""
    return pixel_shuffle(dy, factor)


def reorder(x: Array, axes: tuple[int, ...]) -> Array:
    """Axis number i of the result is axis axes[i] of x. [A7]"""
    return x.transpose(axes)


def reorder_backward_data(dy: Array, axes: tuple[int, ...]) -> Array:
    """The inverse permutation. [A7]"""
    return dy.transpose(np.argsort(axes))


def reshape(x: Array, shape: tuple[int, ...]) -> Array:
    """The same values in the same order (channels fastest) under another shape. [A7]"""
    return x.reshape(shape)


def reshape_backward_data(dy: Array, shape: tuple[int, ...]) -> Array:
    """Back to the shape of the input. [A7]"""
    return dy.reshape(shape)


def flatten(x: Array) -> Array:
    """(n, *size, c) -> (n, c * size), channel after channel, the order that weights of dense layers have. [A7]"""
    return np.moveaxis(x, -1, 1).reshape(x.shape[0], -1)


def flatten_backward_data(dy: Array, size: tuple[int, ...]) -> Array:
    """(n, c * size) -> (n, *size, c). [A7]"""
    return np.moveaxis(dy.reshape(dy.shape[0], dy.shape[1] // math.prod(size), *size), 1, -1)


def pad(x: Array, amounts: Padding, mode: str = "zero", value: float = 0.0) -> Array:
    """Adds samples around a picture: `value`, a reflection that leaves out the edge, or the edge repeated. [A7]"""
    margins = _margins(x.ndim - 2, amounts)
    if mode == "zero":
        return np.pad(x, [(0, 0), *margins, (0, 0)], constant_values=value)
    return x[_sources(x.shape, margins, mode)]


def pad_backward_data(dy: Array, size: tuple[int, ...], amounts: Padding, mode: str = "zero") -> Array:
    """Each gradient goes to the sample that was copied; `size` is the input's. [A7]"""
    margins = _margins(len(size), amounts)
    if mode == "zero":
        return crop(dy, amounts)
    dx = np.zeros((dy.shape[0], *size, dy.shape[-1]), dy.dtype)
    np.add.at(dx, _sources(dx.shape, margins, mode), dy)
    return dx


def crop(x: Array, amounts: Padding) -> Array:
    """Takes samples away at the edges; the inverse of `pad`. [A7]"""
    margins = _margins(x.ndim - 2, amounts)
    inner = (slice(a, length - b) for (a, b), length in zip(margins, x.shape[1:-1], strict=True))
    return x[(slice(None), *inner)]


def crop_backward_data(dy: Array, amounts: Padding) -> Array:
    """0 where samples were taken away. [A7]"""
    return pad(dy, amounts)


def _margins(dims: int, amounts: Padding) -> list[tuple[int, int]]:
    return [(p, p) if isinstance(p, int) else p for p in per_dimension(amounts, dims)]


def _sources(shape: tuple[int, ...], margins: list[tuple[int, int]], mode: str) -> tuple[Array, ...]:
    """For each padded sample the indices of the one that it copies."""
    if mode not in _NUMPY_MODES:
        raise unknown_name("padding mode", mode, list(_NUMPY_MODES))
    axes = [
        np.pad(np.arange(length), margin, mode=_NUMPY_MODES[mode])  # type: ignore[call-overload]
        for length, margin in zip(shape[1:-1], margins, strict=True)
    ]
    return np.ix_(np.arange(shape[0]), *axes, np.arange(shape[-1]))
