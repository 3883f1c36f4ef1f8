"""The mean of several runs' weights: often better than each, for what their last steps learned by chance goes out.

The runs must be of one network and have begun with the same weights; others have their features in other places. After
Wortsman et al., Model soups: averaging weights of multiple fine-tuned models improves accuracy without increasing
inference time, 2022.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from pellucid.errors import TrainingError
from pellucid.learn.recipes import differing_keys, recipe_from_text
from pellucid.learn.training.checkpoints import is_finished, state_of, to_bytes, write_snapshot


def save_mean(runs: Sequence[Path], path: Path) -> dict[str, Any]:
    """A snapshot with the mean of the runs' averaged weights, and the recipe of the first; runs or snapshots."""
    states = [state_of(run) for run in runs]
    for run, state in zip(runs, states, strict=True):
        _refuse_others(run, state, states[0])
    names = states[0]["average"]
    average = {name: torch.stack([s["average"][name].double() for s in states]).mean(0).float() for name in names}
    state = {key: states[0][key] for key in ("step", "recipe", "database")} | {"average": average}
    write_snapshot(path, to_bytes(state))
    return state


def _refuse_others(run: Path, state: dict[str, Any], first: dict[str, Any]) -> None:
    recipe, asked = recipe_from_text(state["recipe"]), recipe_from_text(first["recipe"])
    for key, seen, expected in differing_keys(recipe, asked):
        if key == "scale" or key.partition(".")[0] == "network":
            raise TrainingError(f"{run} is of another network: {key} differs", seen=seen, expected=expected)
    if not is_finished(state):
        raise TrainingError(f"{run} is not finished", seen=f"step {state['step']}", expected=f"{recipe.steps} steps")
