"""A kernel of its own for every pixel, as kernel-predicting networks make them for burst denoising. [D3]

    y[n, i, c] = sum over taps k of  kernels[n, i, c, k] * x[n, i + k - size // 2, c]     outside the picture x is 0

`kernels` has one channel per tap, row by row, for all channels of x; or c * taps channels, all taps of channel 0 first,
the order of a convolution's weights (c, kh, kw).
"""

import numpy as np

from pellucid.errors import UsageError
from pellucid.reference.window import Array, Window, window


def apply_kernels(x: Array, kernels: Array, size: tuple[int, int]) -> Array:
    """(n, h, w, c), (n, h, w, kh kw or c kh kw) -> (n, h, w, c). [D3]"""
    per_tap, slide = _per_tap(kernels, x.shape[-1], size), _slide(size)
    padded = slide.pad(x)
    y = np.zeros(x.shape, np.result_type(x, kernels))
    for number, (_, samples) in enumerate(slide.taps(x.shape[1:-1])):
        y += per_tap[..., number] * padded[samples]
    return y


def apply_kernels_backward_data(dy: Array, kernels: Array, size: tuple[int, int]) -> Array:
    """dx[n, j, c] = sum over all (i, k) with i + k - size // 2 = j of kernels[n, i, c, k] * dy[n, i, c]. [D3]"""
    per_tap, slide = _per_tap(kernels, dy.shape[-1], size), _slide(size)
    dx = slide.pad(np.zeros(dy.shape, np.result_type(dy, kernels)))
    for number, (_, samples) in enumerate(slide.taps(dy.shape[1:-1])):
        dx[samples] += per_tap[..., number] * dy
    return slide.unpad(dx, dy.shape[1:-1])


def apply_kernels_backward_kernels(dy: Array, x: Array, kernels: Array, size: tuple[int, int]) -> Array:
    """dkernels[n, i, c, k] = dy[n, i, c] * x[n, i + k - size // 2, c], summed over c where all share a kernel. [D3]"""
    per_tap, slide = _per_tap(kernels, x.shape[-1], size), _slide(size)
    padded = slide.pad(x)
    products = [dy * padded[samples] for _, samples in slide.taps(x.shape[1:-1])]
    dkernels = np.stack(products, axis=-1)  # (n, h, w, c, taps)
    if per_tap.shape[-2] == 1:
        dkernels = dkernels.sum(axis=-2)
    return dkernels.reshape(kernels.shape)


def _per_tap(kernels: Array, channels: int, size: tuple[int, int]) -> Array:
    """(n, h, w, c or 1, taps)."""
    taps = size[0] * size[1]
    if kernels.shape[-1] not in (taps, taps * channels):
        raise UsageError(
            "the kernels do not fit the picture",
            seen=f"{kernels.shape[-1]} channels",
            expected=f"{taps} or {taps * channels}",
        )
    return kernels.reshape(*kernels.shape[:-1], -1, taps)


def _slide(size: tuple[int, int]) -> Window:
    return window(size, padding=tuple((k // 2, k - 1 - k // 2) for k in size))
