"""Small photographs that the tests of this folder make for themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pellucid import picture

SIZES = {"a.png": (60, 80), "b.png": (48, 48), "c.tif": (90, 40), "d.webp": (64, 50), "e.png": (40, 120)}


def speckled(h: int, w: int, seed: int, c: int = 3) -> np.ndarray:
    """A picture in which no two crops are alike. -> (h, w, c) uint8"""
    return np.random.default_rng(seed).integers(0, 256, (h, w, c), dtype=np.uint8)


def save(path: Path, pixels: np.ndarray, alpha: np.ndarray | None = None) -> Path:
    picture.write(path, picture.Picture(pixels, alpha), overwrite=True)
    return path


def fill(folder: Path) -> Path:
    """Makes a folder with five pictures of different sizes and formats, one broken picture and a text."""
    folder.mkdir()
    for seed, (name, (h, w)) in enumerate(SIZES.items()):
        save(folder / name, speckled(h, w, seed))
    whole = (folder / "a.png").read_bytes()
    (folder / "broken.png").write_bytes(whole[: len(whole) // 2])
    (folder / "LICENCE.txt").write_text("do as you like")
    return folder
