"""[E5] Chained kernels act as one larger kernel, but not as any: coefficients against degrees of freedom.

Two 3 x 3 kernels make one of 5 x 5: 25 coefficients, 18 numbers to choose them by, one of which only moves a factor
from one kernel to the other. One channel; nothing is said of what lies between the kernels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Freedom:
    """`independent` counts the directions in which the composed kernel can move; `parameters` is what was written."""

    extent: tuple[int, int]
    coefficients: int
    parameters: int
    independent: int


def chained_freedom(kernels: Sequence[tuple[tuple[int, int], int]]) -> Freedom:
    """[E5] Of kernels ((kh, kw), dilation) one after the other: 3x3 twice 25/18, 3x1 and 1x3 9/6, 3x3 dilated 49/18."""
    random = np.random.default_rng(0)
    weights = [random.standard_normal(size) for size, _ in kernels]
    dilations = [dilation for _, dilation in kernels]
    whole = _composed(weights, dilations)
    columns = []
    for place, kernel in enumerate(weights):
        for index in np.ndindex(*kernel.shape):
            moved = list(weights)
            moved[place] = np.zeros_like(kernel)  # linear in each kernel: the derivative is the chain through one tap
            moved[place][index] = 1
            columns.append(_composed(moved, dilations).ravel())
    rank = int(np.linalg.matrix_rank(np.stack(columns, axis=1)))
    parameters = sum(kernel.size for kernel in weights)
    return Freedom((whole.shape[0], whole.shape[1]), whole.size, parameters, rank)


def _composed(kernels: Sequence[np.ndarray], dilations: Sequence[int]) -> np.ndarray:
    """The one kernel that does what all do, by full convolution."""
    result = np.ones((1, 1))
    for kernel, dilation in zip(kernels, dilations, strict=True):
        kh, kw = kernel.shape
        h, w = result.shape
        grown = np.zeros((h + dilation * (kh - 1), w + dilation * (kw - 1)))
        for y, x in np.ndindex(kh, kw):
            grown[dilation * y : dilation * y + h, dilation * x : dilation * x + w] += kernel[y, x] * result
        result = grown
    return result
