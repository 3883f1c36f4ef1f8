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


def write_cifar(folder: Path, each: int) -> None:
    """The same strokes in colours, 32 x 32 with a dark margin, as CIFAR-10's six binary files."""
    random = np.random.default_rng(12)
    for name in (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"):
        labels = (np.arange(each) % 10).astype(np.uint8)
        grey = np.stack([np.pad(stroke(int(label), random), 2) for label in labels])
        planes = np.stack([grey, grey // 2, 255 - grey], 1)  # (n, c, h, w)
        (folder / name).write_bytes(np.hstack([labels[:, None], planes.reshape(each, -1)]).tobytes())


def write_class_folders(folder: Path, each: int) -> None:
    """Two classes of stroke as folders of pictures, below `train` and `test`."""
    from pellucid.picture import Picture, write

    random = np.random.default_rng(13)
    for part in ("train", "test"):
        for kind, name in enumerate(("lying", "steep")):
            (folder / part / name).mkdir(parents=True)
            for i in range(each):
                write(folder / part / name / f"{i}.png", Picture(stroke(2 * kind, random)[..., None]))


def _write(path: Path, array: np.ndarray) -> None:
    path.write_bytes(struct.pack(f">I{array.ndim}I", 0x800 | array.ndim, *array.shape) + array.tobytes())
