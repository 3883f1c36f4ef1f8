"""`pellucid prune`: a run becomes a smaller model file that the runtime runs. [A17]"""

import re

import pytest

pytest.importorskip("torch")

import pellucid  # noqa: E402
from pellucid import cli  # noqa: E402
from pellucid.learn.recipes import load_recipe  # noqa: E402
from pellucid.learn.training.job import Job  # noqa: E402
from pellucid.learn.training.loop import train  # noqa: E402
from tests.learn.data.strokes import write_strokes  # noqa: E402


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("strokes")
    write_strokes(folder, 160, 10)
    changes = ["steps=60", "network.width=8", "network.dropout=0", "data.batch=16", "data.held_out=40",
               "validation.every=60", "optimiser.rate=5e-3", "precision=fp32"]  # fmt: skip
    run = folder / "run"
    train(Job(load_recipe("mnist", changes), run, folder, threads=1))
    return folder, run


def test_the_file_is_small_and_runs(trained, tmp_path, capsys):
    folder, run = trained
    model = tmp_path / "small.safetensors"
    arguments = ["prune", str(run), "-o", str(model), "--data", str(folder), "--steps", "40", "--threads", "1"]
    assert cli.run([*arguments, "--weights", "0.5"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines[1:4]] == ["as trained", "pruned", "after 40 steps"]
    whole, half, last = (int(re.search(r"  ([\d,]+)  ", line)[1].replace(",", "")) for line in lines[1:4])
    assert last <= half < 0.55 * whole and "accuracy" in lines[3]
    network = pellucid.load(model)
    assert network.parameters == last and network.card.task == "classify"
    assert cli.run(arguments) == 2
    assert "--overwrite" in capsys.readouterr().err


def test_without_data_it_says_what_it_needs(trained, tmp_path, capsys):
    assert cli.run(["prune", str(trained[1]), "-o", str(tmp_path / "m")]) == 1
    assert "--data" in capsys.readouterr().err and not (tmp_path / "m").exists()
