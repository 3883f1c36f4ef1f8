"""A run's network, for export and evaluation."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from pellucid.errors import TrainingError
from pellucid.learn.networks import build_network
from pellucid.learn.recipes import Recipe, recipe_from_text
from pellucid.learn.training.checkpoints import newest_good, read_state
from pellucid.learn.training.run_folder import RunFolder


def load_run(run: str | Path, average: bool = True) -> tuple[nn.Module, Recipe]:
    """The network of a run's folder or of a snapshot, in evaluation mode, and the recipe that it was trained by.

    `average` takes the moving average of the weights, which is what was validated, else the weights themselves.
    """
    path = Path(run)
    if path.is_file():
        state = read_state(path)
        recipe = recipe_from_text(state["recipe"])
    else:
        folder = RunFolder(path)
        recipe = folder.recipe()
        found, damaged = newest_good(folder.checkpoints)
        if found is None:
            seen = f"{len(damaged)} damaged ones" if damaged else "none"
            raise TrainingError("the run has no checkpoint to load", seen=seen, hint="repeat the command that trains")
        state = found
    network = build_network(recipe.network.name, recipe.network.settings)
    network.load_state_dict(state["average" if average else "network"])
    return network.eval(), recipe
