"""A training run as a model file: the averaged weights, and a card filled in from the recipe."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from pellucid.card import Card
from pellucid.errors import UsageError
from pellucid.learn.to_runtime.export import export
from pellucid.modelfile import ModelFile

if TYPE_CHECKING:
    from pellucid.learn.recipes import Recipe

EXAMPLE_SIDE = 48
"""Large enough for the networks that recipes name, small enough to compare in a second."""


def export_run(
    run: str | Path,
    path: str | Path,
    *,
    half: bool = False,
    card: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> ModelFile:
    """[C5] Exports what a run's folder, or a snapshot of it, holds. `card` has fields to set beside the recipe's."""
    from pellucid.learn.recipes.recipe import colours_of
    from pellucid.learn.training.load import load_run

    if os.path.lexists(path) and not overwrite:
        raise UsageError("the model file exists already", seen=path, hint="--overwrite replaces it")
    if not os.path.isdir(os.path.dirname(path) or "."):
        raise UsageError("the model file cannot be written", seen=path, expected="a name in a folder that is there")
    module, recipe = load_run(run)
    side = getattr(recipe.network.settings, "side", EXAMPLE_SIDE)  # networks with a dense head have one size
    inputs = getattr(module, "inputs", colours_of(recipe.data.channels))  # a noise level may come beside the colours
    side += -side % getattr(module, "multiple", 1)
    example = torch.zeros(1, inputs, side, side)
    filled = Card.from_json(card_of(recipe).to_json() | dict(card or {}))
    return export(module, path, example, filled, half=half)


def read_card(path: str | Path) -> dict[str, Any]:
    """Fields of a card from a JSON file."""
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError("the card cannot be read", seen=path, expected=f"a JSON file ({error})") from None
    if not isinstance(value, dict):
        raise UsageError("the card cannot be read", seen=path, expected="a JSON object")
    return value


def card_of(recipe: Recipe) -> Card:
    """What a recipe says of the model; `repeat` is the recipe itself."""
    from pellucid.learn.data import camvid
    from pellucid.learn.data.labelled_batches import CLASSES
    from pellucid.learn.recipes import recipe_to_text
    from pellucid.learn.recipes.recipe import CLASSIFY, SEGMENT

    scale = recipe.scale if recipe.task == "superres" else None
    classes = {CLASSIFY: CLASSES.get(recipe.data.format, ()), SEGMENT: camvid.CLASSES}.get(recipe.task, ())
    return Card(task=recipe.task, purpose=recipe.about, scale=scale, classes=classes, repeat=recipe_to_text(recipe))
