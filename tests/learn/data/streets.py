"""Streets in CamVid's folders, drawn by the test; every class has its own colour, so telling them apart is easy."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pellucid.learn.data.camvid import VOID
from pellucid.picture import Picture, write

H, W = 48, 64
COLOURS = np.random.default_rng(5).permutation(np.linspace(0, 255, 36).astype(np.uint8)).reshape(12, 3)
"""One for each class, and one for void."""


def street(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sky over a road, with five blocks of any classes on it. -> (h, w, 3), (h, w) uint8"""
    labels = np.zeros((H, W), np.uint8)
    labels[random.integers(H // 3, H // 2) :] = 3
    for kind in random.integers(0, VOID + 1, 5):
        y, x = random.integers(0, H - 16), random.integers(0, W - 16)
        labels[y : y + 16, x : x + 16] = kind
    noisy = COLOURS[labels] + random.normal(0, 8, (H, W, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8), labels


def write_streets(folder: Path, train: int = 24, val: int = 6, test: int = 4) -> None:
    random = np.random.default_rng(12)
    for part, n in (("train", train), ("val", val), ("test", test)):
        (folder / part).mkdir(parents=True)
        (folder / f"{part}annot").mkdir()
        for i in range(n):
            frame, labels = street(random)
            write(folder / part / f"{i:03}.png", Picture(frame))
            write(folder / f"{part}annot" / f"{i:03}.png", Picture(labels[..., None]))
