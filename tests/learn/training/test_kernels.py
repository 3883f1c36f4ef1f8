"""Whose kernels a run computes on, and that it shows in the run's folder and nowhere else."""

import json
from pathlib import Path

import pytest
import torch

from pellucid import _engine
from pellucid.errors import UsageError
from pellucid.learn.recipes import load_recipe
from pellucid.learn.training.job import Job
from pellucid.learn.training.kernels import precision_for, settled_engine
from pellucid.learn.training.load import load_run
from pellucid.learn.training.loop import train

on_vectors = pytest.mark.skipif(
    _engine.isa() == "scalar" or torch.cuda.is_available(), reason="the engine trains on vectors of a CPU"
)


@on_vectors
def test_float32_is_computed_by_the_engine_unless_torch_is_asked_for() -> None:
    assert settled_engine("auto", "fp32") == "pellucid"
    assert settled_engine("torch", "fp32") == "torch"
    assert settled_engine("auto", "bf16") == "torch"
    with pytest.raises(UsageError, match="bf16"):
        settled_engine("pellucid", "bf16")


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(UsageError, match="engine"):
        settled_engine("cuda", "fp32")


@on_vectors
def test_a_precision_that_was_asked_for_stays() -> None:
    assert precision_for("auto", "bf16") == "bf16"
    assert precision_for("torch", "auto") == "auto"


@on_vectors
def test_both_engines_train_to_nearly_the_same_weights(tmp_path: Path) -> None:
    recipe = load_recipe("identity", ["steps=30", "validation.every=30"])
    found = {}
    for engine in ("pellucid", "torch"):
        run = tmp_path / engine
        train(Job(recipe, run, threads=1, precision="fp32", engine=engine))
        assert json.loads((run / "run.json").read_text())["engine"] == engine
        found[engine] = torch.cat([w.flatten() for w in load_run(run)[0].parameters()])
    difference = (found["pellucid"] - found["torch"]).abs().max()
    assert 0 < difference < 1e-3  # other kernels round otherwise
