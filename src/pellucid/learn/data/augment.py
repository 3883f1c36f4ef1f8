"""The eight ways a square crop can lie: flips and quarter turns, which show a network eight pictures for one.

All eight only move pixels; degradations that are the same along both axes and in both directions commute with them.
"""

from __future__ import annotations

import numpy as np

TURNS = 8


def turned(crop: np.ndarray, turn: int) -> np.ndarray:
    """A view of the square crop (h, h, c) in position `turn`: bit 0 left-right, bit 1 top-bottom, bit 2 transposed."""
    if turn & 4:
        crop = crop.swapaxes(0, 1)
    if turn & 2:
        crop = crop[::-1]
    return crop[:, ::-1] if turn & 1 else crop


def turned_back(crop: np.ndarray, turn: int) -> np.ndarray:
    """The inverse: `turned_back(turned(x, t), t)` is x."""
    if turn & 1:
        crop = crop[:, ::-1]
    if turn & 2:
        crop = crop[::-1]
    return crop.swapaxes(0, 1) if turn & 4 else crop
