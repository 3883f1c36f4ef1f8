"""Histograms of oriented gradients: features made by hand, as before networks learned theirs. [D19]

After Dalal and Triggs, Histograms of oriented gradients for human detection, 2005: gradients vote for their orientation
in the cell they lie in, and blocks of 2 x 2 cells are normalised. Votes are shared between the two nearest
orientations, not between cells.
"""

import numpy as np

from pellucid.reference.window import Array


def histograms(pictures: Array, cell: int = 7, orientations: int = 9) -> Array:
    """[D19] Normalised blocks of grey pictures (n, h, w) -> (n, blocks, 4 orientations)."""
    cells = cell_histograms(pictures, cell, orientations)
    blocks = np.concatenate([cells[:, :-1, :-1], cells[:, :-1, 1:], cells[:, 1:, :-1], cells[:, 1:, 1:]], axis=3)
    length = np.sqrt(np.sum(blocks**2, axis=3, keepdims=True) + 1e-6)
    clipped = np.minimum(blocks / length, 0.2)  # no single edge may drown the others
    clipped /= np.sqrt(np.sum(clipped**2, axis=3, keepdims=True) + 1e-6)
    return clipped.reshape(len(pictures), -1, 4 * orientations)


def cell_histograms(pictures: Array, cell: int, orientations: int) -> Array:
    """Length of gradients by orientation, light to dark as dark to light: (n, h, w) -> (n, h / cell, w / cell, o)."""
    dy, dx = np.gradient(np.asarray(pictures, float), axis=(1, 2))
    length, angle = np.hypot(dy, dx), np.arctan2(dy, dx) % np.pi
    place = angle / np.pi * orientations
    lower = np.floor(place).astype(int)
    upper_part = place - lower
    n, h, w = length.shape
    rows, columns = h // cell, w // cell
    cells = np.zeros((n, rows, columns, orientations))
    for o in range(orientations):
        votes = length * (
            (lower % orientations == o) * (1 - upper_part) + ((lower + 1) % orientations == o) * upper_part
        )
        votes = votes[:, : rows * cell, : columns * cell].reshape(n, rows, cell, columns, cell)
        cells[..., o] = votes.sum(axis=(2, 4))
    return cells
