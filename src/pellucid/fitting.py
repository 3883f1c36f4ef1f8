"""Pictures made to fit networks whose sizes must be multiples of some number (U-Nets): reflected up, and cropped back.

The picture grows at its bottom and right edge by its own mirror image. Whole batches and streams of rows give the same
numbers. Networks that take any size pass through untouched.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator

import numpy as np

Ratio = tuple[tuple[int, int], tuple[int, int]]


class Fitting:
    """For one size; `height` and `width` are those after enlarging, the height None while it is unknown.

    `ratio` is asked only where the size changes: ((oh, h), (ow, w)), how much larger the network's output is.
    """

    def __init__(self, h: int | None, w: int, multiple: int, ratio: Callable[[], Ratio]) -> None:
        self.h, self.w, self.multiple = h, w, multiple
        self.height = None if h is None else h + -h % multiple
        self.width = w + -w % multiple
        self.same = self.width == w and self.height == h and (h is not None or multiple == 1)
        self._ratio: Ratio = ((1, 1), (1, 1)) if self.same else ratio()

    def enlarge(self, x: np.ndarray) -> np.ndarray:
        """(n, h, w, c) -> (n, height, width, c)."""
        if self.same:
            return x
        below, right = -x.shape[1] % self.multiple, -x.shape[2] % self.multiple
        return np.pad(x, ((0, 0), (0, below), (0, right), (0, 0)), mode="reflect")

    def crop(self, y: np.ndarray) -> np.ndarray:
        """The part of the output that belongs to the picture."""
        if self.same:
            return y
        return np.ascontiguousarray(y[:, : self.cropped_height(y.shape[1]), : self.cropped_width(y.shape[2])])

    def cropped_height(self, oh: int) -> int:
        return oh if self.same or self.h is None else _scaled(self.h, self._ratio[0])

    def cropped_width(self, ow: int) -> int:
        return ow if self.same else _scaled(self.w, self._ratio[1])

    def enlarged_rows(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Blocks (k, w, c) -> blocks (k, width, c), with the rows below the picture at the end."""
        if self.same:
            yield from blocks
            return
        last: deque[np.ndarray] = deque(maxlen=self.multiple)  # enough to mirror multiple - 1 rows
        seen = 0
        for block in blocks:
            seen += len(block)
            last.extend(row.copy() for row in block)
            yield np.pad(block, ((0, 0), (0, self.width - self.w), (0, 0)), mode="reflect")
        self.h = seen
        rows = np.stack(list(last))[None]  # (1, k, w, c)
        below = np.pad(rows, ((0, 0), (0, -seen % self.multiple), (0, 0), (0, 0)), mode="reflect")[0, len(last) :]
        if len(below):
            yield np.pad(below, ((0, 0), (0, self.width - self.w), (0, 0)), mode="reflect")

    def cropped_rows(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Blocks of the network's output rows -> those of the picture. What comes before the end is the picture's."""
        if self.same:
            yield from blocks
            return
        given = 0
        for block in blocks:
            rows = len(block) if self.h is None else min(len(block), _scaled(self.h, self._ratio[0]) - given)
            if rows > 0:
                yield np.ascontiguousarray(block[:rows, : self.cropped_width(block.shape[1])])
                given += rows


def _scaled(size: int, ratio: tuple[int, int]) -> int:
    return -(-size * ratio[0] // ratio[1])
