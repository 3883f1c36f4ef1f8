"""Pooling: the largest or the mean value under a window, over space and over channels, and unpooling. [A6]

Options are torch's. A winner's offset is its number within the window, row by row (ky * kw + kx); its position is its
number within the picture (y * w + x). Of equal values the first wins. Sizes rounded up (`ceil_mode`) may let a last
window hang over the end: what hangs over counts neither as a value nor in the mean's divisor. Pooling to a given size
has a file of its own, `adaptive_pooling`.
"""

import numpy as np

from pellucid.errors import UsageError
from pellucid.reference.window import Array, Padding, PerDimension, Window, window

# --- the largest ---


def max_pool(
    x: Array,
    kernel: tuple[int, ...],
    *,
    stride: PerDimension | None = None,
    padding: Padding = 0,
    dilation: PerDimension = 1,
    ceil_mode: bool = False,
) -> Array:
    """y[i] = max over taps k of x[i * stride + k * dilation - padding]; the stride is the kernel if not given. [A6]"""
    return _largest(x, _slide(kernel, stride, padding, dilation, ceil_mode))[0]


def max_pool_offsets(
    x: Array,
    kernel: tuple[int, ...],
    *,
    stride: PerDimension | None = None,
    padding: Padding = 0,
    dilation: PerDimension = 1,
    ceil_mode: bool = False,
) -> Array:
    """For each window the number of its winning tap, whole numbers of the output's shape. [A6]"""
    return _largest(x, _slide(kernel, stride, padding, dilation, ceil_mode))[1]


def max_pool_backward_data(
    dy: Array,
    x: Array,
    kernel: tuple[int, ...],
    *,
    stride: PerDimension | None = None,
    padding: Padding = 0,
    dilation: PerDimension = 1,
    ceil_mode: bool = False,
) -> Array:
    """Each gradient goes to the sample that won; the rest get none. [A6]"""
    slide = _slide(kernel, stride, padding, dilation, ceil_mode)
    offsets = _largest(x, slide)[1]
    dx = slide.pad(np.zeros_like(x))
    for number, (_, samples) in enumerate(slide.taps(dy.shape[1:-1])):
        dx[samples] += np.where(offsets == number, dy, 0)
    return slide.unpad(dx, x.shape[1:-1])


def _largest(x: Array, slide: Window) -> tuple[Array, Array]:
    """The largest value under each window, and the number of the tap that holds it."""
    output = slide.output_size(x.shape[1:-1])
    padded = slide.pad(x, -np.inf)
    y = np.full((x.shape[0], *output, x.shape[-1]), -np.inf, x.dtype)
    offsets = np.zeros(y.shape, np.int64)
    for number, (_, samples) in enumerate(slide.taps(output)):
        better = (padded[samples] > y) | np.isnan(padded[samples])
        y, offsets = np.where(better, padded[samples], y), np.where(better, number, offsets)
    return y, offsets


# --- the mean ---


def mean_pool(
    x: Array,
    kernel: tuple[int, ...],
    *,
    stride: PerDimension | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Array:
    """y[i] = sum over taps k of x[i * stride + k - padding], divided by the number of samples that count. [A6]"""
    slide = _slide(kernel, stride, padding, 1, ceil_mode)
    output = slide.output_size(x.shape[1:-1])
    padded = slide.pad(x)
    total = sum(padded[samples] for _, samples in slide.taps(output))
    return total / _divisor(slide, x.shape[1:-1], count_include_pad)


def mean_pool_backward_data(
    dy: Array,
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    *,
    stride: PerDimension | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Array:
    """Each gradient is shared out equally among the samples of its window; `size` is the input's. [A6]"""
    slide = _slide(kernel, stride, padding, 1, ceil_mode)
    share = dy / _divisor(slide, size, count_include_pad)
    dx = slide.pad(np.zeros((dy.shape[0], *size, dy.shape[-1]), dy.dtype))
    for _, samples in slide.taps(dy.shape[1:-1]):
        dx[samples] += share
    return slide.unpad(dx, size)


def _divisor(slide: Window, size: tuple[int, ...], count_include_pad: bool) -> Array:
    """(1, *output, 1): how many samples of each window count."""
    margins = [(0, 0), *slide.padding, (0, 0)]
    counts = np.pad(np.ones((1, *size, 1)), margins, constant_values=float(count_include_pad))
    hanging = np.zeros((1, *slide.pad(np.zeros((1, *size, 1))).shape[1:-1], 1))
    hanging[tuple(slice(length) for length in counts.shape)] = counts
    total: Array = sum((hanging[samples] for _, samples in slide.taps(slide.output_size(size))), np.zeros(1))
    return total


# --- over channels ---


def channel_max_pool(x: Array, groups: int) -> Array:
    """Channels fall into `groups` equal runs of neighbours; of each run the largest value stays. [A6]"""
    return _runs(x, groups).max(axis=-1)


def channel_max_pool_backward_data(dy: Array, x: Array) -> Array:
    """Each gradient goes to the first channel of its run that holds the largest value. [A6]"""
    runs = _runs(x, dy.shape[-1])
    won = np.arange(runs.shape[-1]) == runs.argmax(axis=-1)[..., None]
    return (won * dy[..., None]).reshape(x.shape)


def channel_mean_pool(x: Array, groups: int) -> Array:
    """Channels fall into `groups` equal runs of neighbours; of each run the mean stays. [A6]"""
    return _runs(x, groups).mean(axis=-1)


def channel_mean_pool_backward_data(dy: Array, channels: int) -> Array:
    """Each gradient is shared out equally among the channels of its run. [A6]"""
    run = channels // dy.shape[-1]
    return np.repeat(dy / run, run, axis=-1)


def _runs(x: Array, groups: int) -> Array:
    if x.shape[-1] % groups:
        raise UsageError("channels do not fall into equal runs", seen=f"{x.shape[-1]} channels, {groups} groups")
    return x.reshape(*x.shape[:-1], groups, -1)


# --- unpooling ---


def winners(
    offsets: Array,
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    *,
    stride: PerDimension | None = None,
    padding: Padding = 0,
    dilation: PerDimension = 1,
) -> Array:
    """From offsets within the window to positions within the picture of `size`, both numbered row by row. [A6]"""
    slide = _slide(kernel, stride, padding, dilation, False)
    taps = np.unravel_index(offsets.astype(np.int64), kernel)
    windows = np.indices(offsets.shape)[1:-1]
    samples = tuple(
        i * s + k * d - before
        for i, k, s, d, (before, _) in zip(windows, taps, slide.stride, slide.dilation, slide.padding, strict=True)
    )
    return np.ravel_multi_index(samples, size)


def max_unpool(y: Array, positions: Array, size: tuple[int, ...]) -> Array:
    """Each value returns to the position that it was taken from; everything else is 0. (n, *small, c) -> x. [A6]

    Where windows overlap, one position may receive several values: the last one stays.
    """
    n, c = y.shape[0], y.shape[-1]
    x = np.zeros((n, int(np.prod(size)), c), y.dtype)
    np.put_along_axis(x, positions.reshape(n, -1, c), y.reshape(n, -1, c), axis=1)
    return x.reshape(n, *size, c)


def max_unpool_backward_data(dx: Array, positions: Array) -> Array:
    """Each value's gradient is the gradient at its position. [A6]"""
    n, c = dx.shape[0], dx.shape[-1]
    dy = np.take_along_axis(dx.reshape(n, -1, c), positions.reshape(n, -1, c), axis=1)
    return dy.reshape(positions.shape)


def _slide(
    kernel: tuple[int, ...], stride: PerDimension | None, padding: Padding, dilation: PerDimension, ceil_mode: bool
) -> Window:
    return window(kernel, kernel if stride is None else stride, padding, dilation, ceil_mode)
