"""Normalisation: values brought to mean 0 and variance 1 over some slice, then given back scale and offset. [A8]

    y = weight * (x - mean) / sqrt(variance + epsilon) + bias

The variants differ in the slice that shares a mean and a variance, the argument `over`:

    "batch"      one channel, over all pictures and positions        batch normalisation while training
    "instance"   one channel of one picture                          instance normalisation
    "group"      `groups` runs of channels of one picture            group normalisation
    "channels"   all channels at one position                        layer normalisation as in transformers
    "sample"     everything of one picture                           layer normalisation

weight and bias are (c), or for "sample" the shape (*size, c) of a picture. In test mode batch normalisation takes the
mean and the variance recorded in training: `batch_norm`.
"""

import numpy as np

from pellucid.errors import unknown_name
from pellucid.reference.window import Array

SLICES = ["batch", "instance", "group", "channels", "sample"]


def normalise(
    x: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    *,
    over: str,
    groups: int = 1,
    epsilon: float = 1e-5,
) -> Array:
    """y = weight * (x - mean) / sqrt(variance + epsilon) + bias. [A8]"""
    y = _standardise(x, over, groups, epsilon)[0]
    y = y if weight is None else weight * y
    return y if bias is None else y + bias


def normalise_backward_data(
    dy: Array, x: Array, weight: Array | None = None, *, over: str, groups: int = 1, epsilon: float = 1e-5
) -> Array:
    """With s = (x - mean) / deviation, ds = weight * dy: dx = (ds - mean(ds) - s * mean(ds * s)) / deviation. [A8]"""
    s, deviation, axes = _standardise(x, over, groups, epsilon)
    view = _view(x.shape, over, groups)
    ds, s = (dy if weight is None else weight * dy).reshape(view), s.reshape(view)
    ds_mean, along = ds.mean(axes, keepdims=True), (ds * s).mean(axes, keepdims=True)
    return ((ds - ds_mean - s * along) / deviation).reshape(x.shape)


def normalise_backward_weight(
    dy: Array, x: Array, shape: tuple[int, ...], *, over: str, groups: int = 1, epsilon: float = 1e-5
) -> Array:
    """dweight = the sum of dy * (x - mean) / deviation; `shape` is the weight's. [A8]"""
    return _sum_to(shape, dy * _standardise(x, over, groups, epsilon)[0])


def normalise_backward_bias(dy: Array, shape: tuple[int, ...]) -> Array:
    """dbias = the sum of dy; `shape` is the bias's. [A8]"""
    return _sum_to(shape, dy)


def batch_norm(x: Array, weight: Array, bias: Array, mean: Array, variance: Array, *, epsilon: float = 1e-5) -> Array:
    """Test mode: the mean and the variance, one for each channel, come from training. [A8]"""
    return weight * (x - mean) / np.sqrt(variance + epsilon) + bias


def batch_norm_backward_data(dy: Array, weight: Array, variance: Array, *, epsilon: float = 1e-5) -> Array:
    """dy * weight / deviation: the statistics are constants here. [A8]"""
    return dy * weight / np.sqrt(variance + epsilon)


def batch_norm_backward_weight(dy: Array, x: Array, mean: Array, variance: Array, *, epsilon: float = 1e-5) -> Array:
    """The sum of dy * (x - mean) / deviation. [A8]"""
    return _sum_to(mean.shape, dy * (x - mean) / np.sqrt(variance + epsilon))


def batch_norm_backward_bias(dy: Array) -> Array:
    """The sum of dy. [A8]"""
    return _sum_to(dy.shape[-1:], dy)


def running_statistics(mean: Array, variance: Array, x: Array, momentum: float = 0.1) -> tuple[Array, Array]:
    """running = (1 - momentum) * running + momentum * batch; the batch's variance over m - 1, as in torch. [A8]"""
    rows = x.reshape(-1, x.shape[-1])
    return (
        (1 - momentum) * mean + momentum * rows.mean(axis=0),
        (1 - momentum) * variance + momentum * rows.var(axis=0, ddof=1),
    )


def pixel_norm(x: Array, *, epsilon: float = 1e-8) -> Array:
    """x / sqrt(mean over channels of x^2 + epsilon): every pixel gets the same length, its mean stays. [A8]"""
    return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + epsilon)


def pixel_norm_backward_data(dy: Array, x: Array, *, epsilon: float = 1e-8) -> Array:
    """With r the root and y = x / r:  dx = (dy - y * mean(dy * y)) / r. [A8]"""
    r = np.sqrt((x**2).mean(axis=-1, keepdims=True) + epsilon)
    return (dy - x / r * (dy * x / r).mean(axis=-1, keepdims=True)) / r


def weight_norm(v: Array, g: Array) -> Array:
    """w = g * v / |v|, for each output channel: length and direction are learned apart. [A8]"""
    return (g / _lengths(v)).reshape(-1, *(1,) * (v.ndim - 1)) * v


def weight_norm_backward_direction(dw: Array, v: Array, g: Array) -> Array:
    """dv = g / |v| * (dw - u (u . dw)) with u = v / |v|: nothing along v, whose length does not matter. [A8]"""
    shape = (-1, *(1,) * (v.ndim - 1))
    length = _lengths(v).reshape(shape)
    u = v / length
    along = (u * dw).reshape(len(v), -1).sum(axis=1).reshape(shape)
    return g.reshape(shape) / length * (dw - u * along)


def weight_norm_backward_length(dw: Array, v: Array) -> Array:
    """dg = u . dw with u = v / |v|. [A8]"""
    return (v * dw).reshape(len(v), -1).sum(axis=1) / _lengths(v)


def _standardise(x: Array, over: str, groups: int, epsilon: float) -> tuple[Array, Array, tuple[int, ...]]:
    """(x - mean) / deviation in x's shape; the deviation and the axes in the shape of `_view`."""
    spatial = tuple(range(1, x.ndim - 1))
    slices = {"batch": (0, *spatial), "instance": spatial, "group": (*spatial, x.ndim), "channels": (x.ndim - 1,)}
    slices["sample"] = (*spatial, x.ndim - 1)
    if over not in slices:
        raise unknown_name("slice to normalise over", over, SLICES)
    axes, values = slices[over], x.reshape(_view(x.shape, over, groups))
    deviation = np.sqrt(values.var(axis=axes, keepdims=True) + epsilon)
    return ((values - values.mean(axis=axes, keepdims=True)) / deviation).reshape(x.shape), deviation, axes


def _view(shape: tuple[int, ...], over: str, groups: int) -> tuple[int, ...]:
    """(n, *size, c), or for groups (n, *size, g, c / g)."""
    return (*shape[:-1], groups, shape[-1] // groups) if over == "group" else shape


def _sum_to(shape: tuple[int, ...], values: Array) -> Array:
    """The sum over pictures, and over positions where `shape` has none."""
    return values.reshape(-1, *shape).sum(axis=0)


def _lengths(v: Array) -> Array:
    return np.sqrt((v.reshape(len(v), -1) ** 2).sum(axis=1))
