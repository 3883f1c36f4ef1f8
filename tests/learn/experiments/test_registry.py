"""Every experiment, by its existence: it runs in its small form, makes finite figures, claims and a picture."""

import dataclasses
import io
import json
import math
import struct
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from PIL import Image  # noqa: E402

from pellucid import cli  # noqa: E402
from pellucid.errors import DatabaseError, UsageError  # noqa: E402
from pellucid.learn import experiments  # noqa: E402
from pellucid.learn.experiments import EXPERIMENTS, find_experiment  # noqa: E402
from pellucid.learn.experiments.drawing import png  # noqa: E402
from pellucid.learn.experiments.experiment import DOCUMENTS, as_json, changed, quiet, read_data  # noqa: E402
from tests.learn.data.strokes import write_cifar, write_strokes  # noqa: E402
from tests.learn.experiments.small import small  # noqa: E402


def numbers(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [number for item in value for number in numbers(item)]
    return [value] if isinstance(value, (int, float)) else []


def test_files_and_names_are_the_same():
    folder = Path(experiments.__file__).parent
    files = {p.stem.replace("_", "-") for p in folder.glob("*.py") if "\nEXPERIMENT = " in p.read_text()}
    assert files == set(EXPERIMENTS)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_it_runs_small_and_says_what_it_saw(name):
    experiment, outcome = find_experiment(name), small(name)
    found = numbers(outcome.figures)
    assert found and all(math.isfinite(number) for number in found)
    assert outcome.claims and all(c.document in DOCUMENTS and c.said and c.seen for c in outcome.claims)
    assert np.asarray(Image.open(io.BytesIO(png(outcome.picture))).convert("L")).std() > 5
    content = json.loads(as_json(name, experiment.small, outcome))
    assert content["experiment"] == name and content["settings"]["seed"] == experiment.small.seed


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_its_settings_are_of_one_kind(name):
    experiment = find_experiment(name)
    for other in (experiment.small, experiment.full):
        assert other is None or type(other) is type(experiment.usual)
    assert "seed" in {field.name for field in dataclasses.fields(experiment.usual)}


def test_unknown_names_and_absent_digits_are_one_line():
    with pytest.raises(UsageError, match="did you mean 'fifty-layers'"):
        find_experiment("fifty-layer")
    with pytest.raises(DatabaseError, match="no folder.*--data"):
        read_data(find_experiment("autoencoder"), None)


def test_settings_change_by_name_and_keep_their_kinds():
    usual = find_experiment("lottery-ticket").usual
    settings = changed(usual, ["steps=7", "rate=0.5", "hidden=30,20", "channels=0.5"])
    assert (settings.steps, settings.rate, settings.hidden, settings.channels) == (7, 0.5, (30, 20), (0.5,))
    assert settings.batch == usual.batch
    with pytest.raises(UsageError, match="unknown setting 'step'.*did you mean 'steps'"):
        changed(usual, ["step=7"])
    for wrong in ("steps=many", "steps=1,2", "steps", "hidden="):
        with pytest.raises(UsageError, match="cannot be that; seen: "):
            changed(usual, [wrong])


def test_the_command_lists_does_and_does_not_overwrite(tmp_path, capsys, monkeypatch):
    assert cli.run(["experiment"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in EXPERIMENTS)
    experiment = find_experiment("fifty-layers")
    module = __import__("pellucid.learn.experiments.fifty_layers", fromlist=["EXPERIMENT"])
    monkeypatch.setattr(module, "EXPERIMENT", dataclasses.replace(experiment, usual=experiment.small))
    arguments = ["experiment", "fifty-layers", "-o", str(tmp_path), "--seed", "3", "--set", "layers=4"]
    assert cli.run(arguments) == 0
    out = capsys.readouterr().out
    assert "Visual AI, lecture 3" in out and "seen here" in out and str(tmp_path / "fifty-layers.png") in out
    assert json.loads((tmp_path / "fifty-layers.json").read_text())["settings"] == {
        "seed": 3, "layers": 4, "width": 60, "samples": 50,
    }  # fmt: skip
    assert cli.run(arguments) == 2
    assert "--overwrite" in capsys.readouterr().err


def test_digits_are_read_from_the_users_folder(tmp_path):
    write_strokes(tmp_path, 40, 10)
    assert len(read_data(find_experiment("autoencoder"), tmp_path)) == 40
    smaller = struct.pack(">4I", 0x803, 40, 20, 24) + bytes(40 * 20 * 24)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(smaller)
    with pytest.raises(DatabaseError, match="seen: 20 x 24; expected: 28 x 28"):
        read_data(find_experiment("autoencoder"), tmp_path)


def test_a_family_is_compared_on_colours_too(tmp_path):
    write_cifar(tmp_path, 40)
    experiment = find_experiment("accuracy-against-operations")
    data = read_data(experiment, tmp_path)
    assert data.pictures.shape == (200, 28, 28, 3)
    networks = experiment.run(experiment.small, data, quiet).figures["networks"]
    assert networks["perceptron"]["operations"] == 2 * 3 * 28 * 28 * 10
    with pytest.raises(DatabaseError, match="MNIST is not here"):
        read_data(find_experiment("autoencoder"), tmp_path)
