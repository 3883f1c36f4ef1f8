"""`docs/reference/recipes.md`: what each recipe costs, counted from its network, its crops and its steps."""

from __future__ import annotations

import torch

from pellucid.learn.networks import build_network
from pellucid.learn.recipes import Recipe, load_recipe, packaged
from pellucid.learn.training.sums import PASSES, multiply_adds

DIGIT = 28
TWO_CORES, GPU = 0.35e12, 10e12
"""Operations per second: what two cores with AVX-512 reach in float32 on the engine, by the records of training; what a
graphics processor is taken to reach on networks of this size, which was not measured."""

HEAD = """# Recipes

What the recipes of `pellucid train` cost; made by `make docs`. Operations are counted: multiplications and additions of
the convolutions forward, to data and to weights, times the crops of a batch, times the steps. Times follow from them:
two cores with AVX-512 train 64 channels at about 0.35 TFLOP/s in float32 ([speed](../speed.md)); 32 channels and fewer
at two thirds of that; with matrix tiles, in bfloat16, at three to five times that. A graphics processor was taken to do
10 TFLOP/s, which nobody has timed. A run prints its own speed and the time left. Every run may be stopped and goes on
where it was, and from a snapshot with `--from`; curves of those that ship are in `training/curves`. How long the
shipped ones really learned, which is more, stands in `training/README.md`.

| recipe | what for | steps | operations | two cores | a GPU, by count |
| --- | --- | --- | --- | --- | --- |
"""


def recipes_page() -> str:
    return HEAD + "".join(_row(name, load_recipe(name)) for name in packaged())


def _row(name: str, recipe: Recipe) -> str:
    total = operations(recipe)
    cells = (name, recipe.about, f"{recipe.steps:,}", _operations(total), _time(total / TWO_CORES), _time(total / GPU))
    return "| " + " | ".join(cells) + " |\n"


def operations(recipe: Recipe) -> float:
    """Of a whole run."""
    network = build_network(recipe.network.name, recipe.network.settings)
    one = multiply_adds(network, torch.zeros(_shape(recipe)))
    return 2.0 * PASSES * one * recipe.data.batch * recipe.steps


def _shape(recipe: Recipe) -> tuple[int, int, int, int]:
    side, colours = recipe.data.patch // recipe.scale, 3 if recipe.data.channels == "rgb" else 1
    if recipe.task == "classify":
        side = DIGIT
    told = getattr(recipe.data.degradation.settings, "with_level", False)
    return 1, colours + told, side, side


def _operations(count: float) -> str:
    return f"{count / 1e12:,.0f} TFLOP" if count >= 1e12 else f"{count / 1e9:,.0f} GFLOP"


def _time(seconds: float) -> str:
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 1):.0f} s"
