"""Whose kernels a run computes on, and that it shows in the run's folder and nowhere else."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from pellucid import _engine
from pellucid.errors import UsageError
from pellucid.learn.layers import image_loss, on_tiles
from pellucid.learn.recipes import load_recipe
from pellucid.learn.training.callbacks import Start
from pellucid.learn.training.job import Job
from pellucid.learn.training.kernels import precision_for, settled_engine
from pellucid.learn.training.load import load_run
from pellucid.learn.training.loop import train
from tests.learn.training.tiny import At, Crash, crash, job

on_vectors = pytest.mark.skipif(
    _engine.isa() == "scalar" or torch.cuda.is_available(), reason="the engine trains on vectors of a CPU"
)


@pytest.fixture
def isa() -> Iterator[None]:
    before = _engine.isa()
    yield
    _engine.set_isa(before)


@on_vectors
def test_float32_is_computed_by_the_engine_unless_torch_is_asked_for() -> None:
    assert settled_engine("auto", "fp32") == "pellucid"
    assert settled_engine("torch", "fp32") == "torch"


@on_vectors
@pytest.mark.usefixtures("isa")
def test_bfloat16_is_computed_by_the_engine_where_tiles_are() -> None:
    _engine.set_isa("amx-emulated")
    assert settled_engine("auto", "bf16") == settled_engine("pellucid", "bf16") == "pellucid"
    assert settled_engine("torch", "bf16") == "torch"
    vectors = [isa for isa in _engine.isas() if isa not in ("scalar", "amx")]
    _engine.set_isa(vectors[-1])
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


@on_vectors
def test_a_run_goes_on_with_the_engine_that_it_last_used(tmp_path: Path, crops: Path) -> None:
    """Begun on ours, gone on with on torch's, and then twice without a word."""
    seen: list[Start] = []
    run = tmp_path / "run"
    for step, engine in ((5, None), (10, "torch"), (15, None), (20, None)):
        broken = job(run, crops, at=At(step, crash), engine=engine)
        broken.callbacks[1].started = seen.append  # type: ignore[method-assign]
        with pytest.raises(Crash):
            train(broken)
    facts = json.loads((run / "run.json").read_text())
    assert facts["engine"] == "torch" and facts["earlier"] == [{"until": seen[1].step, "engine": "pellucid"}]
    assert [start.notes for start in seen] == [
        [],
        ["engine was pellucid and is torch: the run goes on, but not with the same bits"],
        [],
        [],
    ]
    train(job(run, crops, engine="auto"))
    assert json.loads((run / "run.json").read_text())["engine"] == "pellucid"


@on_vectors
def test_the_loss_goes_with_the_engine(tmp_path: Path, crops: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    losses, mean = [], image_loss.mean_loss
    monkeypatch.setattr(image_loss, "mean_loss", lambda *given: losses.append(1) or mean(*given))
    for engine, expected in (("torch", 0), ("pellucid", 3)):
        train(job(tmp_path / engine, crops, "steps=3", precision="fp32", engine=engine))
        assert len(losses) == expected


@on_vectors
@pytest.mark.usefixtures("isa")
def test_a_run_in_bfloat16_is_computed_by_tiles(tmp_path: Path, crops: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _engine.set_isa("amx-emulated")
    layers, forward = [], on_tiles.forward
    monkeypatch.setattr(on_tiles, "forward", lambda *given: layers.append(1) or forward(*given))
    train(job(tmp_path / "run", crops, "network.name=chain", "steps=3", precision="bf16"))
    assert json.loads((tmp_path / "run" / "run.json").read_text())["engine"] == "pellucid"
    assert len(layers) >= 3 * 4  # steps by head, two layers, tail
