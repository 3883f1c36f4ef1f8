"""Learning to name pictures: it learns, breaks without loss, and refuses what does not fit. [D13]"""

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import pellucid  # noqa: E402
from pellucid import cli  # noqa: E402
from pellucid.errors import UsageError  # noqa: E402
from pellucid.learn.data.labelled_batches import read_labelled  # noqa: E402
from pellucid.learn.networks.course_mnist import CourseMNIST  # noqa: E402
from pellucid.learn.networks.lenet import LeNet5  # noqa: E402
from pellucid.learn.recipes import load_recipe  # noqa: E402
from pellucid.learn.to_runtime import export_run  # noqa: E402
from pellucid.learn.training.callbacks import Callback, logs  # noqa: E402
from pellucid.learn.training.job import Job  # noqa: E402
from pellucid.learn.training.loop import train  # noqa: E402
from pellucid.learn.training.naming import measure, measure_on_test  # noqa: E402
from tests.learn.data.strokes import write_cifar, write_class_folders, write_strokes  # noqa: E402
from tests.learn.training.tiny import At, Crash, crash, logged  # noqa: E402

MNIST = Path("../shared/data/mnist")
SMALL = [
    "steps=30", "network.width=4", "data.batch=16", "data.held_out=40", "validation.every=10", "log_every=1",
    "checkpoint_steps=4", "precision=fp32",
]  # fmt: skip


@pytest.fixture(scope="session")
def strokes(tmp_path_factory):
    """240 pictures of ten kinds of stroke as the four idx files, and 60 for the test."""
    folder = tmp_path_factory.mktemp("strokes")
    write_strokes(folder, 240, 60)
    return folder


def job(run: Path, data: Path, *changes: str, recipe: str = "mnist", at: At | None = None) -> Job:
    watchers = (*logs(), *([] if at is None else [at]))
    return Job(load_recipe(recipe, changes), run, data, threads=1, callbacks=watchers)


def test_it_learns_and_says_so_on_pictures_it_never_saw(tmp_path, strokes):
    easier = ("steps=150", "validation.every=50", "log_every=10", "network.dropout=0", "optimiser.rate=5e-3")
    outcome = train(job(tmp_path / "run", strokes, *SMALL, *easier))
    assert outcome.figures.pictures == 40 and outcome.figures.accuracy > 0.9
    assert outcome.figures.words.startswith("accuracy 9") or outcome.figures.accuracy == 1
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "accuracy" in line] == [0, 50, 100, 150]
    assert (tmp_path / "run" / "curves.png").stat().st_size > 1000
    test = measure_on_test(tmp_path / "run", strokes)
    assert test.pictures == 60 and test.accuracy > 0.9


def test_broken_anywhere_it_ends_with_the_same_bits(tmp_path, strokes):
    """Dropout draws from torch's random state, which is saved; bending is a function of the sample."""
    whole = train(job(tmp_path / "whole", strokes, *SMALL))
    for step in (3, 11, 22, 29):
        with pytest.raises(Crash):
            train(job(tmp_path / "broken", strokes, *SMALL, at=At(step, crash)))
    broken = train(job(tmp_path / "broken", strokes, *SMALL))
    assert (broken.weights, broken.figures) == (whole.weights, whole.figures)
    assert logged(tmp_path / "broken", "loss") == list(range(1, 31))
    assert train(job(tmp_path / "broken", strokes, *SMALL)).figures == whole.figures  # read back from the checkpoint


COLOURED = ("data.channels=rgb", "data.shift=0", "data.elastic=0")


@pytest.mark.parametrize(
    ("write", "each", "changes"),
    [
        (write_cifar, 20, ("data.format=cifar10", "network.side=32")),
        (write_class_folders, 60, ("data.format=folders", "network.classes=2", "network.side=20")),
    ],
)
@pytest.mark.parametrize("recipe", ["mnist", "lenet"])
def test_colours_and_folders_are_learned_from_too(tmp_path, write, each, changes, recipe):
    write(tmp_path, each)
    small = [change for change in SMALL if recipe == "mnist" or not change.startswith("network")]
    train(job(tmp_path / "run", tmp_path, *small, *COLOURED, *changes, "steps=4", recipe=recipe))
    assert measure_on_test(tmp_path / "run", tmp_path).pictures == (each if write is write_cifar else 2 * each)
    exported = export_run(tmp_path / "run", tmp_path / "model.safetensors")
    assert exported.graph.channels == 3 and exported.graph.size == (int(changes[-1][-2:]),) * 2


def test_figures_are_what_they_say(strokes):
    class Echo(torch.nn.Module):
        """Says the label 3 always, with probability one half."""

        def __init__(self):
            super().__init__()
            self.output = torch.nn.Parameter(torch.zeros(10).index_fill(0, torch.tensor(3), float(np.log(9))))

        def forward(self, x):
            return self.output.expand(len(x), 10)

    data = read_labelled("mnist", strokes, train=True)
    found = measure(Echo().eval(), data)
    share = float((data.labels == 3).mean())
    assert found.accuracy == pytest.approx(share)
    assert found.cross_entropy == pytest.approx(share * np.log(2) + (1 - share) * np.log(18), rel=1e-5)


def test_exported_it_knows_its_classes_and_runs_without_torch(tmp_path, strokes):
    train(job(tmp_path / "run", strokes, "steps=2", "data.held_out=40", "data.batch=16", "precision=fp32",
              recipe="lenet"))  # fmt: skip
    export_run(tmp_path / "run", tmp_path / "model.safetensors")
    network = pellucid.load(tmp_path / "model.safetensors")
    assert network.card.task == "classify" and network.card.classes == tuple("0123456789")
    assert network.run(np.zeros((2, 28, 28, 1), np.float32)).shape == (2, 1, 1, 10)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            ["network=plain"],
            "network does not fit the task classify; seen: plain; expected: one of course-mn",
        ),
        (["loss=mse"], "loss does not fit the task classify; seen: mse; expected: one of cross-entropy"),
        (["task=superres"], "network does not fit the task superres; seen: course-mnist"),
        (["network.classes=9"], "network.classes does not fit; seen: 9; expected: 10"),
        (["data.channels=rgb"], "takes one size of picture only; seen: 28 x 28 x 1; expected: 28 x 28 x 3"),
        (["network.side=32"], "takes one size of picture only; seen: 28 x 28 x 1; expected: 32 x 32 x 1"),
        (["network.side=30"], "network.side does not fit; seen: 30; expected: a multiple of 4"),
        (["data.held_out=240"], "held_out is out of range; seen: 240"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, strokes, changes, line):
    with pytest.raises(UsageError, match=line):
        train(job(tmp_path / "run", strokes, *changes))
    assert not (tmp_path / "run").exists()


def test_a_class_without_pictures_is_refused_by_the_command_and_nothing_is_written(tmp_path, capsys):
    write_class_folders(tmp_path, 3)
    (tmp_path / "train" / "empty").mkdir()
    changes = [part for change in ("data.format=folders", "network.classes=3") for part in ("--set", change)]
    assert cli.run(["train", "mnist", "--data", str(tmp_path), "--run", str(tmp_path / "run"), *changes]) == 1
    err = capsys.readouterr().err
    assert (
        "a class has no pictures; seen:" in err and "hint: fill the folder or remove it" in err and err.count("\n") == 1
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("file", "damage", "line"),
    [
        (
            "train-images-idx3-ubyte",
            lambda content: content[:-1],
            "train-images-idx3-ubyte: the file lies about its length",
        ),
        (
            "train-labels-idx1-ubyte",
            lambda content: content[:-1] + b"\x0a",
            "out of range; seen: labels 0 to 10; expected: 0 to 9",
        ),
    ],
)
def test_files_that_lie_are_refused_by_the_command_and_nothing_is_written(tmp_path, capsys, file, damage, line):
    write_strokes(tmp_path, 20, 10)
    (tmp_path / file).write_bytes(damage((tmp_path / file).read_bytes()))
    assert cli.run(["train", "mnist", "--data", str(tmp_path), "--run", str(tmp_path / "run")]) == 1
    err = capsys.readouterr().err
    assert line in err and err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_the_command_prints_the_test_figure_at_the_end_and_as_such(tmp_path, strokes, capsys):
    changes = [part for change in [*SMALL, "steps=2"] for part in ("--set", change)]
    run = str(tmp_path / "run")
    assert cli.run(["train", "mnist", "--run", run, *changes]) == 1
    assert "seen: no folder; hint: --data names the folder" in capsys.readouterr().err
    assert cli.run(["train", "mnist", "--data", str(strokes), "--run", run, *changes]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith(f"{run} is finished: 2 steps, accuracy ")
    assert out[2].startswith("test files, 60 pictures that chose nothing: accuracy ")


def test_the_networks_are_the_documents():
    assert sum(w.numel() for w in CourseMNIST().parameters()) == 836_522
    assert load_recipe("mnist").network.settings.dropout == 0.5 and load_recipe("mnist").optimiser.rate == 1e-3
    assert sum(w.numel() for w in LeNet5(modern=True).parameters()) == 61_706


@pytest.mark.heavy
@pytest.mark.skipif(not MNIST.is_dir(), reason="MNIST is not here")
def test_after_one_epoch_the_documents_figure_is_reached(tmp_path):
    """The second document reports 98.643 % of the test files after one epoch; 98.88 % was seen here."""
    epoch = AfterSteps(468)
    with pytest.raises(Crash):
        train(Job(load_recipe("mnist"), tmp_path / "run", MNIST, callbacks=(epoch,)))
    assert epoch.figures.pictures == 10_000 and epoch.figures.accuracy >= 0.9864


class AfterSteps(Callback):
    """Measures on the test files at the validation after so many steps, and ends the run."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def validated(self, step, figures, network) -> None:
        if step == self.steps:
            self.figures = measure(network, read_labelled("mnist", MNIST, train=False))
            crash()
