"""Learning a class for every pixel [D14]: frames with labels, and intersection over union on frames that are held out.

What is chosen is chosen by the set's `val` part; its `test` part is read when a run has ended.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.errors import DatabaseError, UsageError
from pellucid.learn.data.batches import Batch
from pellucid.learn.data.camvid import CLASSES, VOID, Streets, balancing_weights, read_camvid
from pellucid.learn.data.street_batches import StreetBatches
from pellucid.learn.networks import build_network
from pellucid.learn.recipes import Recipe
from pellucid.learn.training.figures import StreetFigures
from pellucid.learn.training.load import load_run
from pellucid.metrics import Confusion

AT_ONCE = 2
"""Frames measured in one pass."""


class Segmenting:
    """The subject of recipes whose task is to segment."""

    crops = None

    def __init__(self, recipe: Recipe, data: Path | None) -> None:
        warnings.filterwarnings("ignore", "max_unpooling2d")  # SegNet's windows do not overlap: no order, same bits
        self._recipe = recipe
        classes = recipe.network.settings.classes
        if classes != len(CLASSES):
            raise UsageError("recipe: network.classes does not fit", seen=classes, expected=len(CLASSES))
        folder = _named(data)
        self._learned, self._held_out = read_camvid(folder, "train"), read_camvid(folder, "val")
        if (self._learned.labels == VOID).all():
            raise DatabaseError("no pixel of the frames has a class", seen=folder / "trainannot")
        sha = hashlib.sha256()
        for part in (self._learned, self._held_out):
            sha.update(part.frames.tobytes() + part.labels.tobytes())
        self.fingerprint = sha.hexdigest()
        self._batches(0, 1)  # refuses now what does not fit
        multiple = _multiple(build_network(recipe.network.name, recipe.network.settings))
        if recipe.data.patch % multiple:
            expected = f"a multiple of {multiple}"
            raise UsageError("recipe: data.patch does not fit the network", seen=recipe.data.patch, expected=expected)

    @property
    def loss(self) -> Callable[[Tensor, Tensor], Tensor]:
        """The recipe's loss, with the weights that these frames give to each class."""
        loss = self._recipe.loss.settings
        if not loss.softness:
            return loss
        weights = balancing_weights(self._learned.labels, loss.softness)
        return partial(loss, weights=torch.from_numpy(weights.astype(np.float32)))

    def sample(self, n: int = 1) -> Tensor:
        return self._batches(0, 1).batch_at(0)[0][:n]

    def batches(self, rank: int, ranks: int) -> Callable[[int], Batch]:
        return self._batches(rank, ranks).batch_at

    def validate(self, network: nn.Module) -> StreetFigures:
        return measure(network, self._held_out)

    def _batches(self, rank: int, ranks: int) -> StreetBatches:
        data, seed = self._recipe.data, self._recipe.seed
        return StreetBatches(self._learned, data.batch, data.patch, seed, data.zoom, data.recolour, rank, ranks)


@torch.inference_mode()
def measure(network: nn.Module, streets: Streets) -> StreetFigures:
    """Intersection over union of a network in evaluation mode, at the frames' own size; void does not count. [C8]"""
    device = next(network.parameters()).device
    confusion = Confusion(len(CLASSES))
    for first in range(0, len(streets.frames), AT_ONCE):
        frames = torch.from_numpy(streets.frames[first : first + AT_ONCE]).to(device)
        output = network(_fitted(frames.permute(0, 3, 1, 2).float() / 255, _multiple(network)))
        h, w = frames.shape[1:3]
        classes = output[:, :, :h, :w].argmax(dim=1)
        confusion.add(streets.labels[first : first + AT_ONCE], classes.cpu().numpy())
    iou = dict(zip(CLASSES, confusion.iou().tolist(), strict=True))
    return StreetFigures(confusion.mean_iou(), confusion.accuracy(), len(streets.frames), iou)


def measure_on_test(run: Path, folder: Path) -> StreetFigures:
    """The final figures of a run, on the part of the set that nothing was learned from or chosen by."""
    network, _ = load_run(run)
    return measure(network, read_camvid(folder, "test"))


def _multiple(network: nn.Module) -> int:
    """What the height and width of its input must be a multiple of."""
    return int(getattr(network, "multiple", 1))


def _fitted(x: Tensor, multiple: int) -> Tensor:
    """Larger by its own mirror image at the bottom and right, as the runtime does it. (n, c, h, w)"""
    return F.pad(x, (0, -x.shape[3] % multiple, 0, -x.shape[2] % multiple), mode="reflect")


def _named(data: Path | None) -> Path:
    if data is None:
        hint = "--data names the folder with CamVid's train, trainannot, val, valannot"
        raise DatabaseError("the recipe learns from labelled frames", seen="no folder", hint=hint)
    return data
