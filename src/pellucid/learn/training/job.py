"""What is asked of a training, what decides its weights, and where it begins."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from pellucid.errors import TrainingError, UsageError
from pellucid.learn.networks import build_network
from pellucid.learn.recipes import Recipe, differing_keys, recipe_from_text
from pellucid.learn.training import precision as precisions
from pellucid.learn.training.callbacks import Callback
from pellucid.learn.training.checkpoints import newest_good, read_state
from pellucid.learn.training.figures import Figures
from pellucid.learn.training.growing import grown, growth, moved
from pellucid.learn.training.kernels import precision_for, settled_engine
from pellucid.learn.training.run_folder import RunFolder
from pellucid.learn.training.subject import subject_of


@dataclass(frozen=True)
class Job:
    """What to train and where. None leaves the choice to the run's folder, or to the machine.

    `database` is what the recipe learns from: a crop database, or the folder with labelled pictures.
    """

    recipe: Recipe
    run: Path
    database: Path | None = None
    threads: int | None = None
    precision: str | None = None
    snapshot: Path | None = None
    processes: int = 1
    engine: str | None = None
    callbacks: tuple[Callback, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """How a call ended: `finished` now, `was finished` before, or `stopped` by request."""

    ending: Literal["finished", "was finished", "stopped"]
    step: int
    weights: str  # SHA-256 of the weights and their average
    figures: Figures | None  # of the last validation


def settle(job: Job, folder: RunFolder) -> dict[str, Any]:
    """What decides the weights beside the recipe; what was not asked for is as it was, or as the machine likes it."""
    _check_processes(job)
    there = folder.facts() if folder.exists else {}
    cores = len(os.sched_getaffinity(0))
    asked = job.engine or ("torch" if there.get("engine") == "torch" else "auto")
    precision = job.precision or there.get("precision") or job.recipe.precision
    precision = precisions.settled(precision_for(asked, precision))
    return {
        "database": subject_of(job.recipe, job.database, job.run).fingerprint,
        "precision": precision,
        "engine": settled_engine(asked, precision),
        "processes": job.processes,
        "from": None if job.snapshot is None else hashlib.sha256(_bytes_of(job.snapshot)).hexdigest(),
        "threads": job.threads or there.get("threads") or job.recipe.threads or max(1, cores // job.processes),
        "torch": torch.__version__,
        "processor": precisions.processor_name(),
    }


def _check_processes(job: Job) -> None:
    batch = job.recipe.data.batch
    if not 1 <= job.processes <= batch or batch % job.processes:
        raise UsageError("the batch cannot be shared out", seen=f"{batch} samples, {job.processes} processes")
    if job.processes > 1 and torch.cuda.is_available():
        raise UsageError("several processes share processors, and this machine has a GPU", expected="--processes 1")


def beginning(job: Job, folder: RunFolder, database: str) -> tuple[dict[str, Any] | None, list[str]]:
    """The state to begin with, None for a fresh start, and what there is to say about it."""
    saved, damaged = newest_good(folder.checkpoints)
    notes = [f"{path} is damaged and was passed over" for path in damaged]
    if saved is None and job.snapshot is not None:
        saved, note = _from_snapshot(job, database)
        notes.append(note)
    return saved, notes


def _bytes_of(path: Path) -> bytes:
    read_state(path)  # says what is wrong with the file
    return path.read_bytes()


def _from_snapshot(job: Job, database: str) -> tuple[dict[str, Any], str]:
    """What a new run takes from a snapshot, and a note that says so.

    The whole state, if recipe and database agree; else the averaged weights of the same network, for a run of its own.
    Of a network for another scale or other colours those weights are taken that fit: all but the first or last. A
    smaller network grows.
    """
    assert job.snapshot is not None
    state = read_state(job.snapshot)
    before = recipe_from_text(state["recipe"])
    different = differing_keys(before, job.recipe)
    for key, seen, asked in different:
        if key.partition(".")[0] == "network" and key not in growth(before, job.recipe):
            raise TrainingError(
                f"the snapshot is of another network: {key} differs", seen=seen, expected=asked, hint="use --set"
            )
    keys = [key for key, _, _ in different] + ["database"] * (state.get("database", database) != database)
    if keys:
        weights, new = _that_fit(state["average"], before, job.recipe)
        return {"average": weights}, (
            f"{job.snapshot} gives its weights only{f', but not {new}' if new else ''}, "
            f"and the run begins at step 0, because {', '.join(keys)} differ"
        )
    if state["step"] >= job.recipe.steps:
        raise TrainingError(
            "the snapshot is of a finished run",
            seen=f"step {state['step']}",
            hint="export it, or name other --steps to begin again with its weights",
        )
    return state, f"going on from {job.snapshot}, step {state['step']}"


def _that_fit(weights: dict[str, torch.Tensor], before: Recipe, recipe: Recipe) -> tuple[dict[str, torch.Tensor], str]:
    """The weights that the recipe's network has by name and shape, or grew, and the names of its others."""
    network = build_network(recipe.network.name, recipe.network.settings)
    own = network.state_dict()
    more = growth(before, recipe)
    if "network.layers" in more:
        weights = moved(weights, before.network.settings.layers, recipe.network.settings.layers)
    fitting = {name: tensor for name, tensor in weights.items() if name in own and own[name].shape == tensor.shape}
    if not fitting:
        raise TrainingError("no weight of the snapshot fits the network", expected=f"a {recipe.network.name}")
    if more:
        settings = before.network.settings
        fitting |= grown(network, settings.layers, settings.activation == "relu")
    return fitting, ", ".join(name for name in own if name not in fitting)
