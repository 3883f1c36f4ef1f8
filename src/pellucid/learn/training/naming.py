"""Learning to name pictures [D13]: labelled pictures, bent a little, and accuracy on those that are held out.

What is chosen is chosen by held-out pictures of the training files; the test files are read when a run has ended.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from pellucid.errors import UsageError
from pellucid.learn.data.batches import Batch
from pellucid.learn.data.distortion import Distortion
from pellucid.learn.data.labelled import Labelled
from pellucid.learn.data.labelled_batches import LabelledBatches, held_out, read_labelled
from pellucid.learn.recipes import Recipe
from pellucid.learn.training.figures import ClassFigures
from pellucid.learn.training.load import load_run

AT_ONCE = 250
"""Pictures measured in one pass."""


class Naming:
    """The subject of recipes whose task is to classify."""

    crops = None

    def __init__(self, recipe: Recipe, data: Path | None) -> None:
        self._recipe = recipe
        everything = read_labelled(recipe.data.format, data, train=True, side=recipe.network.settings.side)
        _refuse_other_pictures(recipe, everything)
        self._learned, self._held_out = held_out(everything, recipe.data.held_out)
        sha = hashlib.sha256(everything.pictures.tobytes() + everything.labels.tobytes())
        self.fingerprint = sha.hexdigest()

    @property
    def loss(self) -> Callable[[Tensor, Tensor], Tensor]:
        return self._recipe.loss.settings

    def sample(self, n: int = 1) -> Tensor:
        return LabelledBatches(self._held_out, n, 0).batch_at(0)[0]

    def batches(self, rank: int, ranks: int) -> Callable[[int], Batch]:
        data, seed = self._recipe.data, self._recipe.seed
        bent = Distortion(data.shift, data.elastic)
        return LabelledBatches(self._learned, data.batch, seed, bent, rank, ranks, data.plain).batch_at

    def validate(self, network: nn.Module) -> ClassFigures:
        return measure(network, self._held_out)


@torch.inference_mode()
def measure(network: nn.Module, data: Labelled) -> ClassFigures:
    """Accuracy and cross-entropy of a network in evaluation mode on labelled pictures. [C8]"""
    device = next(network.parameters()).device
    right, loss = 0, 0.0
    for x, labels in LabelledBatches(data, AT_ONCE, 0).in_order():
        output = network(x.to(device)).float().cpu()
        right += int((output.argmax(dim=1) == labels).sum())
        loss += float(nn.functional.cross_entropy(output, labels, reduction="sum"))
    return ClassFigures(right / len(data), loss / len(data), len(data))


def measure_on_test(run: Path, folder: Path) -> ClassFigures:
    """The final figures of a run, on the part of the published files that nothing was learned from or chosen by."""
    network, recipe = load_run(run)
    side = recipe.network.settings.side
    return measure(network, read_labelled(recipe.data.format, folder, train=False, side=side))


def _refuse_other_pictures(recipe: Recipe, data: Labelled) -> None:
    """A dense head has weights for one size of picture and one number of classes."""
    options = recipe.network.settings
    if len(data.classes) != options.classes:
        raise UsageError("recipe: network.classes does not fit", seen=options.classes, expected=len(data.classes))
    seen, expected = data.pictures.shape[1:], (options.side, options.side, options.colours)
    if seen != expected:
        raise UsageError(
            f"{recipe.network.name} takes one size of picture only",
            seen=" x ".join(map(str, seen)),
            expected=" x ".join(map(str, expected)),
            hint="--set network.side= and data.channels= fit it to them",
        )
