"""Learning a class for every pixel: it learns, breaks without loss, exports, and refuses what does not fit. [D14]"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import pellucid  # noqa: E402
from pellucid import cli  # noqa: E402
from pellucid.errors import DatabaseError, UsageError  # noqa: E402
from pellucid.learn.data.camvid import CLASSES, balancing_weights, read_camvid  # noqa: E402
from pellucid.learn.recipes import load_recipe  # noqa: E402
from pellucid.learn.to_runtime import export_run  # noqa: E402
from pellucid.learn.training.callbacks import logs  # noqa: E402
from pellucid.learn.training.job import Job  # noqa: E402
from pellucid.learn.training.loop import train  # noqa: E402
from pellucid.learn.training.segmenting import Segmenting, measure, measure_on_test  # noqa: E402
from pellucid.picture import Picture, write  # noqa: E402
from tests.learn.data.streets import write_streets  # noqa: E402
from tests.learn.training.tiny import At, Crash, crash, logged  # noqa: E402

SMALL = [
    "steps=12", "network.width=4", "data.batch=4", "data.patch=32", "validation.every=6", "log_every=1",
    "checkpoint_steps=4", "precision=fp32", "optimiser.warm_up=0", "average=0.9",
]  # fmt: skip
EASIER = [
    "steps=100", "validation.every=50", "optimiser.rate=1e-2", "network.width=8", "data.recolour=0", "data.batch=8",
]  # fmt: skip


@pytest.fixture(scope="session")
def streets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("streets")
    write_streets(folder)
    return folder


def job(run: Path, data: Path | None, *changes: str, at: At | None = None) -> Job:
    watchers = (*logs(), *([] if at is None else [at]))
    return Job(load_recipe("camvid", [*SMALL, *changes]), run, data, threads=1, callbacks=watchers)


def test_it_learns_and_says_so_on_frames_it_never_saw(tmp_path, streets):
    outcome = train(job(tmp_path / "run", streets, *EASIER))
    assert outcome.figures.frames == 6 and outcome.figures.mean_iou > 0.4 and outcome.figures.pixels > 0.8
    assert list(outcome.figures.iou) == list(CLASSES)
    assert np.mean(list(outcome.figures.iou.values())) == pytest.approx(outcome.figures.mean_iou)
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "mean_iou" in line] == [0, 50, 100]
    assert (tmp_path / "run" / "curves.png").stat().st_size > 1000
    assert measure_on_test(tmp_path / "run", streets).mean_iou > 0.35


def test_broken_anywhere_it_ends_with_the_same_bits(tmp_path, streets):
    """Batch norm's running statistics belong to the state."""
    whole = train(job(tmp_path / "whole", streets))
    for step in (3, 7, 11):
        with pytest.raises(Crash):
            train(job(tmp_path / "broken", streets, at=At(step, crash)))
    broken = train(job(tmp_path / "broken", streets))
    assert (broken.weights, broken.figures) == (whole.weights, whole.figures)
    assert logged(tmp_path / "broken", "loss") == list(range(1, 13))
    assert train(job(tmp_path / "broken", streets)).figures == whole.figures  # read back from the checkpoint


def test_figures_are_what_they_say(streets):
    class Road(torch.nn.Module):
        """Says road everywhere."""

        def __init__(self):
            super().__init__()
            self.output = torch.nn.Parameter(torch.zeros(11).index_fill(0, torch.tensor(3), 1.0))

        def forward(self, x):
            return self.output[None, :, None, None].expand(len(x), 11, *x.shape[2:])

    data = read_camvid(streets, "val")
    found = measure(Road().eval(), data)
    seen = data.labels < 11
    share = (data.labels == 3).sum() / seen.sum()
    assert found.pixels == pytest.approx(share) and found.iou["road"] == pytest.approx(share)
    assert found.mean_iou == pytest.approx(share / 11) and found.frames == 6


def test_rare_classes_weigh_as_the_recipe_says(streets):
    subject = Segmenting(load_recipe("camvid", [*SMALL, "loss.softness=1.05"]), streets)
    weights = subject.loss.keywords["weights"].numpy()
    np.testing.assert_allclose(weights, balancing_weights(read_camvid(streets, "train").labels, 1.05), rtol=1e-6)
    even = Segmenting(load_recipe("camvid", [*SMALL, "loss.softness=0", "loss.overlap=0"]), streets).loss
    output, labels = torch.randn(2, 11, 4, 4), torch.randint(0, 11, (2, 4, 4))
    torch.testing.assert_close(even(output, labels), torch.nn.functional.cross_entropy(output, labels))


@pytest.mark.parametrize(("network", "change"), [("unet", "width=4"), ("segnet", "basic=true")])
def test_exported_it_knows_its_classes_and_takes_any_size(tmp_path, streets, network, change):
    recipe = load_recipe("camvid", [f"network={network}", f"network.{change}", "steps=1", *SMALL[2:]])
    train(Job(recipe, tmp_path / "run", streets, threads=1))
    export_run(tmp_path / "run", tmp_path / "model.safetensors")
    runtime = pellucid.load(tmp_path / "model.safetensors")
    assert runtime.card.task == "segment" and runtime.card.classes == CLASSES
    assert runtime.run(np.zeros((1, 37, 50, 3), np.float32)).shape == (1, 37, 50, 11)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (["network=plain"], "network does not fit the task segment; seen: plain; expected: one of segnet, unet"),
        (["loss=cross-entropy"], "loss does not fit the task segment; seen: cross-entropy"),
        (["network.classes=12"], "network.classes does not fit; seen: 12; expected: 11"),
        (["data.patch=64"], "data.patch does not fit the frames; seen: 64; expected: 1 to 48"),
        (["data.patch=24"], "data.patch does not fit the network; seen: 24; expected: a multiple of 32"),
        (["loss.softness=0.9"], "loss.softness is out of range; seen: 0.9"),
        (["loss.overlap=-1"], "loss.overlap is out of range; seen: -1"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, streets, changes, line):
    changes = [c for c in SMALL if not (c.startswith("network") and "plain" in changes[0])] + changes
    with pytest.raises(UsageError, match=line):
        train(Job(load_recipe("camvid", changes), tmp_path / "run", streets, threads=1))
    assert not (tmp_path / "run" / "recipe.yaml").exists()


def test_frames_that_cannot_be_learned_from_are_refused(tmp_path, streets):
    with pytest.raises(DatabaseError, match="seen: no folder; hint: --data names the folder with CamVid"):
        train(job(tmp_path / "run", None))
    copy = tmp_path / "copy"
    shutil.copytree(streets, copy)
    write(copy / "trainannot" / "003.png", Picture(np.full((48, 64, 1), 12, np.uint8)), overwrite=True)
    with pytest.raises(DatabaseError, match=r"003.png: no such class; seen: 12; expected: 0 to 11"):
        train(job(tmp_path / "run", copy))
    for file in (copy / "val").iterdir():
        file.unlink()
    write(copy / "trainannot" / "003.png", Picture(np.full((48, 64, 1), 11, np.uint8)), overwrite=True)
    with pytest.raises(DatabaseError, match="there are no frames; seen: .*val"):
        train(job(tmp_path / "run", copy))
    assert not (tmp_path / "run" / "recipe.yaml").exists()


def test_the_command_names_another_network_and_prints_the_test_figure(tmp_path, streets, capsys):
    changes = [part for change in ["steps=1", *SMALL[2:]] for part in ("--set", change)]
    run = str(tmp_path / "run")
    arguments = ["train", "camvid", "--data", str(streets), "--run", run, "--network", "segnet", "--threads", "1"]
    assert cli.run([*arguments, *changes]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith(f"{run} is finished: 1 steps, mean IoU ")
    assert out[2].startswith("test frames, which chose nothing: mean IoU ") and " in 4 frames: sky " in out[2]
    assert "name: segnet" in (tmp_path / "run" / "recipe.yaml").read_text()
