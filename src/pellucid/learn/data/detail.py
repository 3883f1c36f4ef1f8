"""How much there is to see in a crop, and where in a picture there is enough.

Detail is the mean absolute difference between neighbouring pixels of the luma, in grey levels of 0..255, over both
directions: 0 for an even sky, 1 to 3 for soft parts, 10 and more for foliage. It is counted in whole numbers, so that
a place is refused on every machine alike. It does not tell detail from noise.
"""

from __future__ import annotations

import math

import numpy as np

LUMA = np.array([299, 587, 114], np.int32)
"""BT.601 in thousandths: the sums below are in thousandths of a grey level."""


def detailed_places(pixels: np.ndarray, crop: int, least: float) -> np.ndarray:
    """Whether the crop whose upper left corner is at (y, x) has at least so much detail.

    pixels (h, w, 3) uint8 -> bool (h - crop + 1, w - crop + 1). Rows enter and leave two running sums, so that memory
    grows with the width alone, beside the one byte per place of the answer.
    """
    h, w, _ = pixels.shape
    enough = np.empty((h - crop + 1, w - crop + 1), bool)
    threshold = math.ceil(least * 1000 * 2 * crop * (crop - 1))
    across, down = np.zeros(w - 1, np.int64), np.zeros(w, np.int64)  # per column, over the rows of the window
    for y in range(h):
        across += _across(pixels, y)
        if y > 0:
            down += _down(pixels, y - 1)
        top = y - crop + 1
        if top >= 0:
            enough[top] = _windows(across, crop - 1) + _windows(down, crop) >= threshold
            across -= _across(pixels, top)
            down -= _down(pixels, top)
    return enough


def detail(crop: np.ndarray) -> float:
    """The detail of one square crop (h, h, 3) uint8, in grey levels."""
    luma = crop @ LUMA  # (h, h)
    total = np.abs(np.diff(luma, axis=0)).sum() + np.abs(np.diff(luma, axis=1)).sum()
    return float(total) / (1000 * 2 * len(crop) * (len(crop) - 1))


def _across(pixels: np.ndarray, y: int) -> np.ndarray:
    """Differences between the columns of one row. -> (w - 1,)"""
    return np.abs(np.diff(pixels[y] @ LUMA))


def _down(pixels: np.ndarray, y: int) -> np.ndarray:
    """Differences between this row and the next. -> (w,)"""
    return np.abs(pixels[y + 1] @ LUMA - pixels[y] @ LUMA)


def _windows(values: np.ndarray, n: int) -> np.ndarray:
    """The sum over each `n` neighbours. (w,) -> (w - n + 1,)"""
    sums = np.concatenate([[0], np.cumsum(values)])
    return sums[n:] - sums[:-n]
