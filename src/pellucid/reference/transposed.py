"""Transposed convolution: what a convolution does to gradients on their way back, used as a layer. [A3]

    y[n, j, o] = b[o] + sum over all (i, k) with i * stride + k * dilation - padding = j of sum_c w[c, o, k] x[n, i, c]
    output = (input - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1 + output_padding

The weights are those of the convolution that it transposes, (ic, oc / groups, *kernel): that convolution leads from oc
to ic. So forward here is backward to data there, and the other way round.
"""

from pellucid.errors import UsageError
from pellucid.reference.convolution import conv, conv_backward_bias, conv_backward_data, conv_backward_weight
from pellucid.reference.window import Array, Padding, PerDimension, per_dimension, window


def conv_transpose(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    stride: PerDimension = 1,
    padding: Padding = 0,
    output_padding: PerDimension = 0,
    dilation: PerDimension = 1,
    groups: int = 1,
) -> Array:
    """Each input value lays its kernel, scaled, onto the output; where kernels overlap they add up. [A3]"""
    if x.shape[-1] != weight.shape[0]:
        raise UsageError("values and weights do not fit", seen=f"{x.shape} and {weight.shape}", expected="(ic, oc, *k)")
    size = output_size(x.shape[1:-1], weight.shape[2:], stride, padding, output_padding, dilation)
    y = conv_backward_data(x, weight, size, stride=stride, padding=padding, dilation=dilation, groups=groups)
    return y if bias is None else y + bias


def conv_transpose_backward_data(
    dy: Array,
    weight: Array,
    size: tuple[int, ...],
    *,
    stride: PerDimension = 1,
    padding: Padding = 0,
    dilation: PerDimension = 1,
    groups: int = 1,
) -> Array:
    """dx[n, i, c] = sum_k,o w[c, o, k] dy[n, i * stride + k * dilation - padding, o]: the convolution itself.

    `size` is the input's: output padding can leave room for one more window, which no input value made. [A3]
    """
    dx = conv(dy, weight, stride=stride, padding=padding, dilation=dilation, groups=groups)
    return dx[(slice(None), *(slice(length) for length in size))]


def conv_transpose_backward_weight(
    dy: Array,
    x: Array,
    kernel: tuple[int, ...],
    *,
    stride: PerDimension = 1,
    padding: Padding = 0,
    dilation: PerDimension = 1,
    groups: int = 1,
) -> Array:
    """dw[c, o, k] = sum_n,i x[n, i, c] dy[n, i * stride + k * dilation - padding, o]: x and dy change places. [A3]"""
    return conv_backward_weight(x, dy, kernel, stride=stride, padding=padding, dilation=dilation, groups=groups)


def conv_transpose_backward_bias(dy: Array) -> Array:
    """db[o] = sum_n,j dy[n, j, o]. [A3]"""
    return conv_backward_bias(dy)


def output_size(
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: PerDimension = 1,
    padding: Padding = 0,
    output_padding: PerDimension = 0,
    dilation: PerDimension = 1,
) -> tuple[int, ...]:
    """(input - 1) * stride - padding before and after + dilation * (kernel - 1) + 1 + output_padding, per dimension."""
    slide = window(kernel, stride, padding, dilation)
    extra = per_dimension(output_padding, len(kernel))
    for e, s, d in zip(extra, slide.stride, slide.dilation, strict=True):
        if e >= max(s, d):
            raise UsageError("output padding is too large", seen=e, expected=f"less than {max(s, d)}")
    return tuple(
        (length - 1) * s - before - after + reach + e
        for length, s, (before, after), reach, e in zip(
            size, slide.stride, slide.padding, slide.reach, extra, strict=True
        )
    )
