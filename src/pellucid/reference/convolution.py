"""Convolution in one, two and three dimensions, forward and backward, each beside its equation. [A1]

Correlation, as everywhere in this project:

    y[n, i, o] = b[o] + sum over taps k and channels c of  w[o, c, k] * x[n, i * stride + k * dilation - padding, c]

Positions i and taps k have one number per dimension. With groups, channels fall into as many equal blocks, and output
block g sees input block g only: weights are (oc, ic / groups, *kernel). `groups=ic` is depthwise, a kernel of 1 is 1x1.
The functions loop over the taps, and read like the equation at one tap.
"""

import numpy as np

from pellucid.errors import UsageError
from pellucid.reference.window import Array, Padding, PerDimension, window


def conv(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    stride: PerDimension = 1,
    padding: Padding = 0,
    dilation: PerDimension = 1,
    groups: int = 1,
) -> Array:
    """y[n, i, o] = b[o] + sum_k,c w[o, c, k] x[n, i * stride + k * dilation - padding, c]. [A1]"""
    _check(x, weight, groups)
    slide = window(weight.shape[2:], stride, padding, dilation)
    output = slide.output_size(x.shape[1:-1])
    padded, w = _group_values(slide.pad(x), groups), _group_weight(weight, groups)
    y = np.zeros((x.shape[0], *output, *w.shape[:2]), np.result_type(x, weight))  # (n, *output, g, oc / g)
    for k, samples in slide.taps(output):
        y += np.einsum("n...gi,goi->n...go", padded[samples], w[:, :, :, *k])
    y = _ungroup(y)
    return y if bias is None else y + bias


def conv_backward_data(
    dy: Array,
    weight: Array,
    size: tuple[int, ...],
    *,
    stride: PerDimension = 1,
    padding: Padding = 0,
    dilation: PerDimension = 1,
    groups: int = 1,
) -> Array:
    """dx[n, j, c] = sum over all (i, k) with i * stride + k * dilation - padding = j of sum_o w[o, c, k] dy[n, i, o].

    `size` is the input's: with a stride, several input sizes give the same output. [A1]
    """
    slide = window(weight.shape[2:], stride, padding, dilation)
    dy, w = _group_values(dy, groups), _group_weight(weight, groups)
    n, output = dy.shape[0], dy.shape[1:-2]
    outline = slide.pad(np.zeros((1, *size, 1))).shape[1:-1]
    dx = np.zeros((n, *outline, groups, w.shape[2]), np.result_type(dy, w))  # padded
    for k, samples in slide.taps(output):
        dx[samples] += np.einsum("n...go,goi->n...gi", dy, w[:, :, :, *k])
    return slide.unpad(_ungroup(dx), size)


def conv_backward_weight(
    dy: Array,
    x: Array,
    kernel: tuple[int, ...],
    *,
    stride: PerDimension = 1,
    padding: Padding = 0,
    dilation: PerDimension = 1,
    groups: int = 1,
) -> Array:
    """dw[o, c, k] = sum_n,i dy[n, i, o] x[n, i * stride + k * dilation - padding, c]. [A1]"""
    slide = window(kernel, stride, padding, dilation)
    padded, dy = _group_values(slide.pad(x), groups), _group_values(dy, groups)
    output = dy.shape[1:-2]
    dw = np.zeros((groups, dy.shape[-1], padded.shape[-1], *kernel), np.result_type(dy, x))  # (g, oc / g, ic / g, *k)
    for k, samples in slide.taps(output):
        dy_rows, x_rows = (np.moveaxis(a, -2, 0).reshape(groups, -1, a.shape[-1]) for a in (dy, padded[samples]))
        dw[:, :, :, *k] = np.einsum("gpo,gpi->goi", dy_rows, x_rows)
    return dw.reshape(-1, *dw.shape[2:])


def conv_backward_bias(dy: Array) -> Array:
    """db[o] = sum_n,i dy[n, i, o]. [A1]"""
    return dy.sum(axis=tuple(range(dy.ndim - 1)))


def _group_values(x: Array, groups: int) -> Array:
    """(n, *size, c) -> (n, *size, g, c / g)."""
    return x.reshape(*x.shape[:-1], groups, -1)


def _group_weight(weight: Array, groups: int) -> Array:
    """(oc, ic / g, *kernel) -> (g, oc / g, ic / g, *kernel)."""
    return weight.reshape(groups, -1, *weight.shape[1:])


def _ungroup(x: Array) -> Array:
    """(n, *size, g, c / g) -> (n, *size, c)."""
    return x.reshape(*x.shape[:-2], -1)


def _check(x: Array, weight: Array, groups: int) -> None:
    if x.ndim != weight.ndim:
        raise UsageError("values and weights differ in dimensions", seen=f"{x.shape} and {weight.shape}")
    if x.shape[-1] != weight.shape[1] * groups or weight.shape[0] % groups:
        raise UsageError(
            "values, weights and groups do not fit",
            seen=f"{x.shape[-1]} channels, weights {weight.shape}, {groups} groups",
            expected="channels = groups * weight.shape[1], and output channels a multiple of groups",
        )
