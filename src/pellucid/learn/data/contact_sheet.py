"""A look into a crop database: a sheet of crops drawn from both parts, as one picture."""

from __future__ import annotations

import numpy as np

from pellucid.learn.data.database import CropDatabase
from pellucid.learn.data.keyed_random import permuted

GAP = 2
"""White pixels between crops."""


def contact_sheet(database: CropDatabase, *, columns: int = 12, train_rows: int = 6, val_rows: int = 2) -> np.ndarray:
    """Crops of the training part above a broad gap, crops of the validation part below. -> (h, w, 3) uint8"""
    parts = [(database.train, train_rows), (database.val, val_rows)]
    blocks = [_grid(part, columns, rows) for part, rows in parts if len(part) and rows]
    gap = np.full((4 * GAP, blocks[0].shape[1], 3), 255, np.uint8)
    return np.concatenate([blocks[0], *(piece for block in blocks[1:] for piece in (gap, block))])


def _grid(crops: np.ndarray, columns: int, rows: int) -> np.ndarray:
    n = crops.shape[1]
    shown = np.arange(min(len(crops), columns * rows))
    rows = -(-len(shown) // columns)
    pitch = n + GAP
    sheet = np.full((rows * pitch + GAP, columns * pitch + GAP, 3), 255, np.uint8)
    for k, i in enumerate(permuted(shown, len(crops), 0).tolist()):
        y, x = GAP + k // columns * pitch, GAP + k % columns * pitch
        sheet[y : y + n, x : x + n] = crops[i]
    return sheet
