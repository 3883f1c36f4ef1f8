"""Colour under transparent pixels, given a meaning before a network sees it.

A fully transparent pixel has a colour that nobody sees, often black or white; a network's kernels would smear it over
the visible edge. Here such pixels take the mean colour of the visible ones near them, farther ones are black. Works on
blocks of rows with `RADIUS` rows of context, so that a picture never has to be whole in memory; the result does not
depend on how the rows were cut into blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

RADIUS = 8


def fill_transparent(blocks: Iterable[tuple[np.ndarray, np.ndarray]]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(colour (k, w, c), alpha (k, w, 1)) blocks, float32, in order -> the same rows with meaningful colour."""
    pending = np.empty((0, 0, 0), np.float32)  # rows (k, w, c + 1), the first `context` of them already given out
    context = 0
    for colour, alpha in blocks:
        rows = np.concatenate([colour, alpha], axis=2)
        pending = rows if pending.size == 0 else np.concatenate([pending, rows])
        ready = len(pending) - RADIUS
        if ready > context:
            yield _filled(pending, context, ready)
            keep = max(0, ready - RADIUS)
            pending, context = pending[keep:], ready - keep
    if len(pending) > context:
        yield _filled(pending, context, len(pending))


def _filled(rows: np.ndarray, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows [first, last) with the colour of transparent pixels replaced; the rows around them are context."""
    colour, alpha = rows[first:last, :, :-1], rows[first:last, :, -1:]
    hidden = alpha[..., 0] <= 0
    if not hidden.any():
        return colour, alpha
    seen = np.where(rows[..., -1:] > 0, rows[..., :-1], 0)  # (k, w, c): visible colours, others 0
    weight = (rows[..., -1:] > 0).astype(np.float32)
    sums = _box(np.concatenate([seen, weight], axis=2))[first:last]
    near = sums[..., :-1] / np.maximum(sums[..., -1:], 1)
    filled = colour.copy()
    filled[hidden] = near[hidden]
    return filled, alpha


def _box(x: np.ndarray) -> np.ndarray:
    """Sums over the (2 RADIUS + 1)-wide square around each pixel, zeros outside; in float64: order is no matter."""
    for axis in (0, 1):
        ahead = np.pad(x.astype(np.float64), [(RADIUS + 1, RADIUS) if a == axis else (0, 0) for a in range(3)])
        running = np.cumsum(ahead, axis=axis)
        width = 2 * RADIUS + 1
        x = np.take(running, range(width, running.shape[axis]), axis) - np.take(
            running, range(running.shape[axis] - width), axis
        )
    return x
