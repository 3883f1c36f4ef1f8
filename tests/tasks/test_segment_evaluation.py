"""A segmenting model on frames with labels: its figures, the strip, the command, and what is refused. [D14]"""

import json

import numpy as np
import pytest

import pellucid
from pellucid import cli
from pellucid.errors import DatabaseError
from pellucid.picture import Picture, read, write
from pellucid.tasks.rows import Options
from pellucid.tasks.segment_evaluation import evaluate_segments
from tests.small_models import segmenting_model, superres_model


@pytest.fixture
def model(tmp_path):
    return segmenting_model(tmp_path / "colours.safetensors")


@pytest.fixture
def frames(tmp_path):
    """Five frames: left half red, right half blue; the labels call the last quarter green and a stripe void."""
    folder = tmp_path / "set" / "test"
    folder.mkdir(parents=True)
    (tmp_path / "set" / "testannot").mkdir()
    truth = np.repeat([[0] * 20 + [2] * 10 + [1] * 10], 16, axis=0).astype(np.uint8)
    truth[3] = 3
    pixels = np.zeros((16, 40, 3), np.uint8)
    pixels[:, :20, 0] = pixels[:, 20:, 2] = 255
    for i in range(5):
        write(folder / f"{i}.png", Picture(pixels))
        write(tmp_path / "set" / "testannot" / f"{i}.png", Picture(truth[..., None]))
    return folder


def test_figures_are_those_of_counts(model, frames):
    network = pellucid.load(model)
    report, strip = evaluate_segments(network, frames, Options())
    assert report.iou == {"red": 1.0, "green": 0.0, "blue": 0.5} and report.frames == 5
    assert report.mean_iou == pytest.approx(0.5) and report.pixels == pytest.approx(0.75)
    assert evaluate_segments(network, frames.parent, Options())[0] == report
    rows = strip.pixels[: 4 * 16].reshape(4, 16, 3, 40, 3)
    assert np.array_equal(rows[:, :, 0], np.stack([read(frames / "0.png").pixels] * 4))
    predicted, truth = rows[0, :, 1], rows[0, :, 2]
    assert np.array_equal(predicted[:, :30][[0, 1, 2]], truth[:, :30][[0, 1, 2]])
    assert not np.array_equal(predicted[0, 35], truth[0, 35]) and (truth[3] == 255).all()


def test_a_class_that_is_nowhere_counts_for_nothing(model, frames):
    for i in range(5):
        write(frames.parent / "testannot" / f"{i}.png", Picture(np.zeros((16, 40, 1), np.uint8)), overwrite=True)
    report, _ = evaluate_segments(pellucid.load(model), frames, Options())
    assert report.iou["green"] is None and report.mean_iou == pytest.approx((0.5 + 0) / 2)


def test_the_command_prints_a_table_or_json(model, frames, tmp_path, capsys):
    strip = tmp_path / "strip.png"
    assert cli.run(["evaluate", str(model), "--data", str(frames), "--strip", str(strip)]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["red", "100.0"] in lines and ["mean", "50.0"] in lines and read(strip).pixels.shape[1] == 120
    assert cli.run(["evaluate", str(model), "--data", str(frames), "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (
        found["mean_iou"] == pytest.approx(0.5) and found["iou"]["blue"] == 0.5 and "without void" in found["protocol"]
    )


def test_what_is_refused(model, frames, tmp_path, capsys):
    network = pellucid.load(model)
    labels = frames.parent / "testannot"
    write(labels / "2.png", Picture(np.full((16, 40, 1), 4, np.uint8)), overwrite=True)
    with pytest.raises(DatabaseError, match=r"2.png: no such class; seen: 4; expected: 0 to 3"):
        evaluate_segments(network, frames, Options())
    write(labels / "2.png", Picture(np.zeros((16, 39, 1), np.uint8)), overwrite=True)
    with pytest.raises(DatabaseError, match=r"2.png: labels do not fit"):
        evaluate_segments(network, frames, Options())
    write(labels / "2.png", Picture(np.zeros((16, 40, 1), np.uint16)), overwrite=True)
    with pytest.raises(DatabaseError, match=r"2.png: not a picture of 8 bits; seen: uint16"):
        evaluate_segments(network, frames, Options())
    (labels / "2.png").unlink()
    with pytest.raises(DatabaseError, match="a frame has no labels"):
        evaluate_segments(network, frames, Options())
    for file in frames.iterdir():
        file.unlink()
    with pytest.raises(DatabaseError, match="there are no frames; seen: .*test"):
        evaluate_segments(network, frames, Options())
    with pytest.raises(DatabaseError, match="no such folder; seen: .*nowhere"):
        evaluate_segments(network, tmp_path / "nowhere", Options())
    strip = tmp_path / "strip.png"
    other = str(superres_model(tmp_path / "x3.safetensors"))
    assert cli.run(["evaluate", str(model), "--data", str(frames), "--scale", "3"]) == 2
    assert cli.run(["evaluate", other, "--data", str(frames), "--scale", "3", "--strip", str(strip)]) == 2
    assert cli.run(["evaluate", str(model), "--data", str(frames), "--strip", str(strip)]) == 1
    assert cli.run(["evaluate", "digits", "--data", str(frames)]) == 2
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 4 and not said.out and not strip.exists()
    assert "digits cannot be measured on a folder; seen: a model for classify; expected: a model that" in said.err
