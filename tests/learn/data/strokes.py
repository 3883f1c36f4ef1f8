"""Ten kinds of stroke in the files of MNIST's form, drawn by the test: easy to tell apart, no two alike."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np


def stroke(kind: int, random: np.random.Generator) -> np.ndarray:
    """A bright bar whose direction (kind % 5) and thickness (kind // 5) are its class. -> (28, 28) uint8"""
    angle = np.pi * (kind % 5) / 5 + random.uniform(-0.1, 0.1)
    thick = (1.2, 4.5)[kind // 5]
    y, x = np.mgrid[-14:14, -14:14] + random.uniform(-1.5, 1.5, (2, 1, 1))
    across, along = x * np.sin(angle) - y * np.cos(angle), x * np.cos(angle) + y * np.sin(angle)
    bar = np.clip(thick + 0.5 - np.abs(across), 0, 1) * np.clip(9.5 - np.abs(along), 0, 1)
    return np.clip(230 * bar + random.normal(0, 6, bar.shape), 0, 255).astype(np.uint8)


def write_strokes(folder: Path, train: int, test: int) -> None:
    random = np.random.default_rng(11)
    for part, n in (("train", train), ("t10k", test)):
        labels = (np.arange(n) % 10).astype(np.uint8)
        pictures = np.stack([stroke(int(label), random) for label in labels])
        _write(folder / f"{part}-images-idx3-ubyte", pictures)
        _write(folder / f"{part}-labels-idx1-ubyte", labels)


def _write(path: Path, array: np.ndarray) -> None:
    path.write_bytes(struct.pack(f">I{array.ndim}I", 0x800 | array.ndim, *array.shape) + array.tobytes())
