"""Convolution as one matrix product, in two ways: for study, and as an oracle for the oracle. [A2]

`im2col` unfolds the picture: one row per window position, so that a convolution is rows times kernel. `toeplitz`
unfolds the kernel: the layer as the explicit matrix that maps all input values to all output values; each row holds
one kernel at one position, and the transposed matrix is the transposed convolution. Groups are left to `conv`.
"""

import numpy as np

from pellucid.reference.window import Array, Padding, PerDimension, window


def im2col(
    x: Array,
    kernel: tuple[int, ...],
    *,
    stride: PerDimension = 1,
    padding: Padding = 0,
    dilation: PerDimension = 1,
) -> Array:
    """(n, *size, ic) -> (n, positions, ic * taps): row i holds the samples under the window at position i.

    Within a row the order is that of a kernel (ic, *kernel). [A2]
    """
    slide = window(kernel, stride, padding, dilation)
    output = slide.output_size(x.shape[1:-1])
    padded = slide.pad(x)
    columns = np.stack([padded[samples] for _, samples in slide.taps(output)], axis=-1)  # (n, *output, ic, taps)
    return columns.reshape(x.shape[0], int(np.prod(output)), -1)


def col2im(
    columns: Array,
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    *,
    stride: PerDimension = 1,
    padding: Padding = 0,
    dilation: PerDimension = 1,
) -> Array:
    """The transpose of `im2col`: each entry is added where it came from; (n, positions, ic * taps) -> x. [A2]"""
    slide = window(kernel, stride, padding, dilation)
    output = slide.output_size(size)
    columns = columns.reshape(columns.shape[0], *output, -1, int(np.prod(kernel)))
    x = slide.pad(np.zeros((columns.shape[0], *size, columns.shape[-2]), columns.dtype))
    for number, (_, samples) in enumerate(slide.taps(output)):
        x[samples] += columns[..., number]
    return slide.unpad(x, size)


def conv_by_im2col(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    stride: PerDimension = 1,
    padding: Padding = 0,
    dilation: PerDimension = 1,
) -> Array:
    """The convolution as im2col(x) times the kernel as a matrix (ic * taps, oc). [A2]"""
    kernel = weight.shape[2:]
    output = window(kernel, stride, padding, dilation).output_size(x.shape[1:-1])
    y = im2col(x, kernel, stride=stride, padding=padding, dilation=dilation) @ weight.reshape(weight.shape[0], -1).T
    y = y.reshape(x.shape[0], *output, weight.shape[0])
    return y if bias is None else y + bias


def toeplitz(
    weight: Array,
    size: tuple[int, ...],
    *,
    stride: PerDimension = 1,
    padding: Padding = 0,
    dilation: PerDimension = 1,
) -> Array:
    """The matrix M of a layer without bias: M @ x.reshape(-1) = conv(x).reshape(-1) for one picture x (*size, ic).

    Its shape is (positions * oc, samples * ic); its transpose maps output gradients to input gradients. [A2]
    """
    oc, ic, *kernel = weight.shape
    slide = window(tuple(kernel), stride, padding, dilation)
    output = slide.output_size(size)
    matrix = np.zeros((*output, oc, *size, ic), weight.dtype)
    for position in np.ndindex(*output):
        for k in np.ndindex(*kernel):
            sample = tuple(
                i * s + t * d - before
                for i, t, s, d, (before, _) in zip(
                    position, k, slide.stride, slide.dilation, slide.padding, strict=True
                )
            )
            if all(0 <= j < length for j, length in zip(sample, size, strict=True)):
                matrix[*position, :, *sample, :] = weight[:, :, *k]
    return matrix.reshape(int(np.prod(output)) * oc, int(np.prod(size)) * ic)
