"""Batches of labelled pictures as functions of (seed, step) [D13], like those of crops: nothing remembers anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from pellucid.errors import DatabaseError, UsageError, unknown_name
from pellucid.learn.data.batches import ORDER, Batch
from pellucid.learn.data.distortion import Distortion
from pellucid.learn.data.keyed_random import in_epochs, permuted
from pellucid.learn.data.labelled import (
    CIFAR10_CLASSES,
    FASHION_CLASSES,
    MNIST_CLASSES,
    Labelled,
    read_cifar10,
    read_folders,
    read_mnist,
)

CLASSES = {"mnist": MNIST_CLASSES, "fashion": FASHION_CLASSES, "cifar10": CIFAR10_CLASSES, "folders": ()}
"""The data sets that recipes name, and what their labels stand for; folders bring names of their own."""

HELD_OUT = 9
"""The key by which pictures are held out: the same ones whatever a recipe's seed, so that no choice ever saw them."""


@dataclass(frozen=True)
class LabelledBatches:
    """In the first `plain` steps pictures are as they are. With several `ranks`, each gets its own part of a batch."""

    data: Labelled
    batch: int
    seed: int
    distortion: Distortion = Distortion()
    rank: int = 0
    ranks: int = 1
    plain: int = 0

    def batch_at(self, step: int) -> Batch:
        """Pictures (n, c, h, w) float32 in 0..1, and labels (n,) int64, of this step (0, 1, ...)."""
        samples = step * self.batch + np.arange(self.rank, self.batch, self.ranks)
        chosen = in_epochs(samples, len(self.data), self.seed, ORDER)
        bent = Distortion() if step < self.plain else self.distortion
        x = bent(self.data.pictures[chosen], self.seed, samples)
        return _to_torch(x), torch.from_numpy(self.data.labels[chosen])

    def in_order(self) -> list[Batch]:
        """Every picture once, as it is."""
        parts = np.array_split(np.arange(len(self.data)), -(-len(self.data) // self.batch))
        plain = [Distortion()(self.data.pictures[part], 0, part) for part in parts]
        return [(_to_torch(x), torch.from_numpy(self.data.labels[part])) for x, part in zip(plain, parts, strict=True)]


def read_labelled(format: str, folder: Path | None, *, train: bool, side: int = 28) -> Labelled:
    """The published files of `format` in a folder of the user's; or its folders `train` and `test`, each with a folder
    of pictures for every class, which are scaled to `side`."""
    if format not in CLASSES:
        raise unknown_name("recipe: data.format", format, list(CLASSES))
    if folder is None:
        hint = f"--data names the folder with the files of {format}"
        raise DatabaseError("the recipe learns from labelled pictures", seen="no folder", hint=hint)
    if format == "folders":
        return read_folders(folder / ("train" if train else "test"), (side, side))
    if format == "cifar10":
        return read_cifar10(folder, train=train)
    return read_mnist(folder, train=train, classes=CLASSES[format])


def held_out(data: Labelled, count: int) -> tuple[Labelled, Labelled]:
    """What to learn from, and `count` pictures to choose by."""
    if not 0 < count < len(data):
        expected = f"1 to {len(data) - 1} of the {len(data)} pictures"
        raise UsageError("recipe: data.held_out is out of range", seen=count, expected=expected)
    order = permuted(np.arange(len(data)), len(data), HELD_OUT)
    kept, out = np.sort(order[count:]), np.sort(order[:count])
    return data.at(kept), data.at(out)


def _to_torch(x: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(x).permute(0, 3, 1, 2)  # (n, c, h, w) over (n, h, w, c)
