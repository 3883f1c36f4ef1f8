"""Fully connected and locally connected layers. [A4]

A fully connected layer joins every input to every output: y = W x + b. A locally connected one is wired like a
convolution, but each position has weights of its own.
"""

import numpy as np

from pellucid.reference.window import Array, Padding, PerDimension, Window, window


def linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """y_i = sum_j A_ij x_j + b_i, for each row of x: (n, ic), (oc, ic), (oc) -> (n, oc). [A4]"""
    y = x @ weight.T
    return y if bias is None else y + bias


def linear_backward_data(dy: Array, weight: Array) -> Array:
    """dE/dx = dE/dy A. [A4]"""
    return dy @ weight


def linear_backward_weight(dy: Array, x: Array) -> Array:
    """dE/dA_ij = (dE/dy)_i x_j, added up over the samples. [A4]"""
    return dy.reshape(-1, dy.shape[-1]).T @ x.reshape(-1, x.shape[-1])


def linear_backward_bias(dy: Array) -> Array:
    """dE/db = dE/dy, added up over the samples. [A4]"""
    return dy.reshape(-1, dy.shape[-1]).sum(axis=0)


def locally_connected(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    stride: PerDimension = 1,
    padding: Padding = 0,
    dilation: PerDimension = 1,
) -> Array:
    """y[n, i, o] = b[i, o] + sum_k,c w[i, o, c, k] x[n, i * stride + k * dilation - padding, c].

    Weights are (*output, oc, ic, *kernel), the bias is (*output, oc). [A4]
    """
    slide = _slide(weight, x.ndim - 2, stride, padding, dilation)
    output = weight.shape[: x.ndim - 2]
    padded = slide.pad(x)
    y = np.zeros((x.shape[0], *output, weight.shape[x.ndim - 2]), np.result_type(x, weight))
    for k, samples in slide.taps(output):
        y += np.einsum("n...i,...oi->n...o", padded[samples], weight[..., *k])
    return y if bias is None else y + bias


def locally_connected_backward_data(
    dy: Array,
    weight: Array,
    size: tuple[int, ...],
    *,
    stride: PerDimension = 1,
    padding: Padding = 0,
    dilation: PerDimension = 1,
) -> Array:
    """dx[n, j, c] = sum over (i, k) with i * stride + k * dilation - padding = j of sum_o w[i, o, c, k] dy[n, i, o].

    `size` is the input's. [A4]
    """
    dims = len(size)
    slide = _slide(weight, dims, stride, padding, dilation)
    dx = slide.pad(np.zeros((dy.shape[0], *size, weight.shape[dims + 1]), np.result_type(dy, weight)))
    for k, samples in slide.taps(weight.shape[:dims]):
        dx[samples] += np.einsum("n...o,...oi->n...i", dy, weight[..., *k])
    return slide.unpad(dx, size)


def locally_connected_backward_weight(
    dy: Array,
    x: Array,
    kernel: tuple[int, ...],
    *,
    stride: PerDimension = 1,
    padding: Padding = 0,
    dilation: PerDimension = 1,
) -> Array:
    """dw[i, o, c, k] = sum_n dy[n, i, o] x[n, i * stride + k * dilation - padding, c]. [A4]"""
    slide = window(kernel, stride, padding, dilation)
    padded, output = slide.pad(x), dy.shape[1:-1]
    dw = np.zeros((*output, dy.shape[-1], x.shape[-1], *kernel), np.result_type(dy, x))
    for k, samples in slide.taps(output):
        dw[..., *k] = np.einsum("n...o,n...i->...oi", dy, padded[samples])
    return dw


def locally_connected_backward_bias(dy: Array) -> Array:
    """db[i, o] = sum_n dy[n, i, o]. [A4]"""
    return dy.sum(axis=0)


def _slide(weight: Array, dims: int, stride: PerDimension, padding: Padding, dilation: PerDimension) -> Window:
    return window(weight.shape[dims + 2 :], stride, padding, dilation)
