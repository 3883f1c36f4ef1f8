"""Pooling to a given size, whatever the input's: adaptive, and global, which is the size 1. [A6]

Output i of `size` covers the input from floor(i * in / size) up to, not including, ceil((i + 1) * in / size): the
parts meet or overlap by one sample. With a size larger than the input samples repeat.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from pellucid.reference.window import Array


def adaptive_mean_pool(x: Array, size: tuple[int, ...]) -> Array:
    """Output i of `size` is the mean from floor(i * in / size) up to, not including, ceil((i + 1) * in / size). [A6]"""
    y = np.zeros((x.shape[0], *size, x.shape[-1]), x.dtype)
    for i, part in _parts(x.shape[1:-1], size):
        y[:, *i] = x[part].mean(axis=tuple(range(1, x.ndim - 1)))
    return y


def adaptive_mean_pool_backward_data(dy: Array, size: tuple[int, ...]) -> Array:
    """Each gradient is shared out equally among the samples of its part; `size` is the input's. [A6]"""
    dx = np.zeros((dy.shape[0], *size, dy.shape[-1]), dy.dtype)
    for i, part in _parts(size, dy.shape[1:-1]):
        share = dy[:, *i] / dx[0][part[1:]][..., 0].size
        dx[part] += share.reshape(dy.shape[0], *(1,) * len(size), dy.shape[-1])
    return dx


def adaptive_max_pool(x: Array, size: tuple[int, ...]) -> Array:
    """As `adaptive_mean_pool`, with the largest value of each part. [A6]"""
    y = np.zeros((x.shape[0], *size, x.shape[-1]), x.dtype)
    for i, part in _parts(x.shape[1:-1], size):
        y[:, *i] = x[part].max(axis=tuple(range(1, x.ndim - 1)))
    return y


def adaptive_max_pool_backward_data(dy: Array, x: Array) -> Array:
    """Each gradient goes to the first sample of its part that holds the largest value. [A6]"""
    dx = np.zeros_like(x)
    for i, part in _parts(x.shape[1:-1], dy.shape[1:-1]):
        values = x[part].reshape(x.shape[0], -1, x.shape[-1])  # (n, samples, c)
        won = np.arange(values.shape[1])[None, :, None] == values.argmax(axis=1)[:, None, :]
        dx[part] += (won * dy[:, *i][:, None, :]).reshape(x[part].shape)
    return dx


def global_mean_pool(x: Array) -> Array:
    """The mean over space: (n, *size, c) -> (n, 1, ..., c). [A6]"""
    return adaptive_mean_pool(x, (1,) * (x.ndim - 2))


def global_mean_pool_backward_data(dy: Array, size: tuple[int, ...]) -> Array:
    """dy / number of samples, everywhere; `size` is the input's. [A6]"""
    return adaptive_mean_pool_backward_data(dy, size)


def global_max_pool(x: Array) -> Array:
    """The largest value over space: (n, *size, c) -> (n, 1, ..., c). [A6]"""
    return adaptive_max_pool(x, (1,) * (x.ndim - 2))


def global_max_pool_backward_data(dy: Array, x: Array) -> Array:
    """dy at the first largest value, 0 elsewhere. [A6]"""
    return adaptive_max_pool_backward_data(dy, x)


def _parts(size: tuple[int, ...], output: tuple[int, ...]) -> Iterator[tuple[tuple[Any, ...], tuple[slice, ...]]]:
    for i in np.ndindex(*output):
        bounds = (slice(j * a // b, -(-(j + 1) * a // b)) for j, a, b in zip(i, size, output, strict=True))
        yield i, (slice(None), *bounds)
