"""Ways to cut a run into steps, all of which have to give the same bits."""

from typing import Any

import numpy as np

from pellucid import _engine

STEPS = [
    (1, 8, 4),
    (2, 16, 8),
    (3, 5, 3),
    (4, 20, 16),
    (2, 7, 1),
    (2, 1, 7),
    (1, 0, _engine.BY_LAYERS),
    (3, 0, _engine.BY_LAYERS),
]
"""Threads, columns of a strip, rows of a block."""


def same_bits_at(network: Any, x: np.ndarray, steps: list[tuple[int, int, int]]) -> np.ndarray:
    """What one thread makes of the picture in one step; every other way is held to it."""
    whole, _ = network.run(x, threads=1, strip=x.shape[2], block=x.shape[1])
    for threads, strip, block in steps:
        y, _ = network.run(x, threads=threads, strip=strip, block=block)
        assert np.array_equal(y, whole), (x.shape, threads, strip, block)
    return whole
