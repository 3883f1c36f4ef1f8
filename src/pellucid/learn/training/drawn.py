"""Pictures to learn from where there are none: gradients, waves, discs and grain, drawn from a seed.

Enough to try a training stack with; nobody should enlarge photographs by what was learned from them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pellucid.learn.data.create_database import create_database
from pellucid.learn.data.database import CropDatabase, open_database
from pellucid.learn.data.database_plan import DatabaseOptions
from pellucid.picture import Picture, write

SIDE = 128
STRONGEST_GRAIN = 0.2


def drawn_picture(seed: int, number: int) -> np.ndarray:
    """Picture `number` of this seed. -> (128, 128, 3) uint8"""
    random = np.random.default_rng([seed, number])
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    canvas = np.empty((SIDE, SIDE, 3))
    for c in range(3):
        a, b, frequency, phase = random.uniform(-1, 1, 4)
        canvas[..., c] = 0.5 + 0.3 * (a * x + b * y) + 0.2 * np.sin(40 * frequency * (a * y - b * x) + 6 * phase)
    for _ in range(12):
        cy, cx, radius = random.uniform(0, 1, 3)
        inside = (y - cy) ** 2 + (x - cx) ** 2 < (0.03 + 0.2 * radius) ** 2
        canvas[inside] = 0.5 * canvas[inside] + 0.5 * random.uniform(0, 1, 3)
    canvas += random.normal(0, random.uniform(0, STRONGEST_GRAIN), canvas.shape)  # else to blur would be to copy
    return np.floor(canvas.clip(0, 1) * 255 + 0.5).astype(np.uint8)


def drawn_database(folder: Path, *, pictures: int, crop: int, seed: int) -> CropDatabase:
    """A crop database of drawn pictures in `folder`; made once, found again afterwards."""
    for number in range(pictures):
        path = folder / "pictures" / f"{number:04d}.png"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, Picture(drawn_picture(seed, number)))
    options = DatabaseOptions(crop=crop, count=64 * pictures, val=0.15, seed=seed)
    create_database([folder / "pictures"], folder / "crops.db", options, jobs=1)
    return open_database(folder / "crops.db")
