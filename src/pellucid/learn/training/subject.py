"""What a run learns from and how it is measured: pictures from pictures here, names of pictures in `naming`, names of
pixels in `segmenting`.

The loop knows a subject by its batches, its figures and its fingerprint, and nothing of what they are about.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

from torch import Tensor, nn

from pellucid.errors import DatabaseError
from pellucid.learn.data.batches import Batch, Batches
from pellucid.learn.data.database import CropDatabase, open_database
from pellucid.learn.recipes import Recipe
from pellucid.learn.recipes.recipe import CLASSIFY, SEGMENT
from pellucid.learn.training.drawn import drawn_database
from pellucid.learn.training.figures import Figures
from pellucid.learn.training.run_folder import DRAWN
from pellucid.learn.training.validation import ValidationCrops, validate


class Subject(Protocol):
    @property
    def fingerprint(self) -> str:
        """Differs wherever what is learned from does."""

    @property
    def crops(self) -> ValidationCrops | None:
        """What there is to show as a strip of pictures."""

    def sample(self, n: int = 1) -> Tensor:
        """The first `n` inputs, or as many as a batch has. (n, c, h, w)"""

    @property
    def loss(self) -> Callable[[Tensor, Tensor], Tensor]:
        """The recipe's, with what it has to know of the data."""

    def batches(self, rank: int, ranks: int) -> Callable[[int], Batch]:
        """One process's part of the batch of each step."""

    def validate(self, network: nn.Module) -> Figures:
        """The figures of a network in evaluation mode."""


def subject_of(recipe: Recipe, data: Path | None, run: Path) -> Subject:
    """Opens what a recipe learns from: `data` is named by the user, `run` has room for drawn pictures."""
    if recipe.task == CLASSIFY:
        from pellucid.learn.training.naming import Naming

        return Naming(recipe, data)
    if recipe.task == SEGMENT:
        from pellucid.learn.training.segmenting import Segmenting

        return Segmenting(recipe, data)
    return Pictures(recipe, data, run)


class Pictures:
    """Crops of photographs, degraded and to be restored."""

    def __init__(self, recipe: Recipe, data: Path | None, run: Path) -> None:
        self._recipe, self._database = recipe, _database(recipe, data, run)

    @property
    def fingerprint(self) -> str:
        return self._database.fingerprint

    @property
    def crops(self) -> ValidationCrops:
        return ValidationCrops(self._part("val", 0, 1), self._recipe.validation.crops)

    @property
    def loss(self) -> Callable[[Tensor, Tensor], Tensor]:
        return self._recipe.loss.settings

    def sample(self, n: int = 1) -> Tensor:
        return next(iter(self.crops))[0][:n]

    def batches(self, rank: int, ranks: int) -> Callable[[int], Batch]:
        return self._part("train", rank, ranks).batch_at

    def validate(self, network: nn.Module) -> Figures:
        return validate(network, self.crops, self._recipe.scale)

    def _part(self, part: Literal["train", "val"], rank: int, ranks: int) -> Batches:
        data = self._recipe.data
        return Batches(
            self._database,
            batch=data.batch,
            patch=data.patch,
            seed=self._recipe.seed,
            degradation=data.degradation.settings,
            channels=data.channels,
            part=part,
            rank=rank,
            ranks=ranks,
        )


def _database(recipe: Recipe, path: Path | None, run: Path) -> CropDatabase:
    data = recipe.data
    if path is not None:
        return open_database(path, at_least=data.patch)
    if not data.pictures:
        raise DatabaseError(
            "the recipe learns from photographs",
            seen="no database",
            hint="make one with `pellucid createdb`, name it with --data",
        )
    return drawn_database(run / DRAWN, pictures=data.pictures, crop=data.patch, seed=recipe.seed)
