"""Whether a picture has been through JPEG: how much oftener than elsewhere steps stand on a grid of eight pixels.

Between every two neighbouring pixels there is a step: how far their difference exceeds what their other neighbours
foretell. A step is a crest where it is higher than those beside it. In a clean picture crests fall on each of the eight
places of a grid equally often; JPEG's blocks make one place the favourite, wherever in the picture the grid begins.
Counting crests, not heights, makes a calm sky and a gravel path comparable. It sees blocks, not what else JPEG does:
the finest qualities, and grain, leave none to see, and a small picture has too few to be sure of. So a JPEG file is
asked for its tables first, and blocks decide over the finest qualities and over other files, which may have been JPEG
before.

B100 three times smaller (160 x 107 pixels), of 100 pictures; and Set5, of 5:

| | clean PNG | JPEG 50 | 75 | 90 | 95 |
| --- | --- | --- | --- | --- | --- |
| B100, blocks alone | 0 | 79 | 45 | 17 | 3 |
| B100, tables first | 0 | 100 | 100 | 100 | 3 |
| Set5, blocks alone | 0 | 3 | 2 | 0 | 0 |
| Set5, tables first | 0 | 5 | 5 | 5 | 0 |

At its own size one of Set5's pictures, `woman`, has blocks without being a JPEG file: they stand where JPEG would have
put them, like those of all that are found in Set14 and B100.
"""

from __future__ import annotations

import numpy as np

from pellucid.picture.depths import to_depth

GRID = 8
AROUND = 6  # pixels that decide over one crest
FAVOURED = 0.015
"""How far the favourite must lead, as a share of all places: settled on photographs that networks learn from."""
SMALL = 4.0
"""In a small picture a lead comes by chance: this, divided by the root of the number of pixels, comes on top."""
COARSE = 90
"""A JPEG file of up to this quality has traces of it, whatever is seen of its blocks."""
ENOUGH = 4_000_000
"""Pixels after which nothing new is learned."""


class BlockingMeter:
    """Takes a picture's rows in any portions, (h, w, c) of any depth."""

    def __init__(self) -> None:
        self.pixels = 0
        self._crests = np.zeros((2, GRID))  # across and down, at each place of the grid
        self._places = np.zeros(2)
        self._rows: np.ndarray | None = None  # the last ones, which decide with the next

    def push(self, pixels: np.ndarray) -> None:
        rows = _luma(pixels)  # (h, w)
        self.pixels += rows.size
        self._count(0, rows.T, 0)
        above = rows[:0] if self._rows is None else self._rows
        first = self.pixels // rows.shape[1] - len(rows) - len(above)
        rows = np.concatenate([above, rows])
        self._count(1, rows, first)
        self._rows = rows[-(AROUND - 1) :]

    def lead(self) -> float:
        """By how much the favourite place leads the next, of 1 where all places are equal; both ways averaged."""
        ordered = np.sort(self._crests, axis=1)
        return float(((ordered[:, -1] - ordered[:, -2]) * GRID / np.maximum(self._places, 1)).mean())

    def blocks(self) -> bool:
        """Whether there are blocks to see."""
        return self.lead() > FAVOURED + SMALL / max(self.pixels, 1) ** 0.5

    def _count(self, way: int, lines: np.ndarray, first: int) -> None:
        """Crests along the first axis, whose line 0 is at `first`."""
        if len(lines) < AROUND:
            return
        steps = np.abs(lines[:-3] - 3 * lines[1:-2] + 3 * lines[2:-1] - lines[3:])
        beside = np.maximum(steps[:-2], steps[2:])
        crests = (steps[1:-1] > beside).sum(axis=1)
        self._crests[way] += np.bincount((first + np.arange(len(crests))) % GRID, crests, GRID)
        self._places[way] += np.count_nonzero(np.maximum(beside, steps[1:-1]))  # flat places have no say


def _luma(pixels: np.ndarray) -> np.ndarray:
    """Brightness in whole numbers, so that equal steps are equal. (h, w, c) -> (h, w) int32"""
    x = to_depth(pixels, "8").astype(np.int32)
    return 77 * x[..., 0] + 150 * x[..., 1] + 29 * x[..., 2] if x.shape[2] == 3 else x[..., 0]
