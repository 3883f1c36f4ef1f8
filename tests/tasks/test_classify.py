"""Naming pictures: probabilities, sizes, colours, inversion; the command's table, JSON and errors. [D13]"""

import json

import numpy as np
import pytest

import pellucid
from pellucid import cli
from pellucid.card import Card
from pellucid.errors import UsageError
from pellucid.graph import Graph, Node
from pellucid.modelfile import save
from pellucid.picture import Picture, write
from pellucid.tasks.classify import classify, prepared

HALVES = Card("classify", "Says which half is brighter.", classes=("left", "right"))


@pytest.fixture
def model(tmp_path):
    """Two outputs: the sums of the left and of the right half of 6 x 6 pixels."""
    weight = np.zeros((2, 1, 6, 6), np.float32)
    weight[0, :, :, :3] = weight[1, :, :, 3:] = 0.25
    weights = {"look.weight": weight, "look.bias": np.zeros(2, np.float32)}
    path = tmp_path / "halves.safetensors"
    save(path, Graph((Node("look", "conv"),), 1, size=(6, 6)), weights, HALVES)
    return path


def half_lit(h: int, w: int, dtype=np.uint8) -> np.ndarray:
    pixels = np.zeros((h, w, 1), dtype)
    pixels[:, : w // 2] = np.iinfo(dtype).max
    return pixels


@pytest.mark.parametrize("size", [(6, 6), (60, 60), (13, 31), (3, 2)])
@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_of_any_size_and_colour(model, size, channels):
    found = classify(pellucid.load(model), Picture(np.repeat(half_lit(*size), channels, axis=2)))
    assert found.name == "left" and list(found.probabilities) == ["left", "right"] and found.size == size
    assert sum(found.probabilities.values()) == pytest.approx(1)


def test_probabilities_are_the_softmax_of_the_outputs(model):
    found = classify(pellucid.load(model), Picture(half_lit(6, 6, np.uint16)))
    assert found.probabilities["left"] == pytest.approx(1 / (1 + np.exp(-18 * 0.25)), rel=1e-4)


def test_inverted_the_other_half_is_bright(model):
    assert classify(pellucid.load(model), Picture(half_lit(6, 6)), invert=True).name == "right"


def test_what_is_not_square_is_squared_up_with_black_and_not_stretched():
    tall = np.full((8, 4, 1), 255, np.uint8)
    for invert, pixels in ((False, tall), (True, 255 - tall)):
        x = prepared(Picture(pixels), (8, 8), 1, invert)
        assert np.array_equal(x[..., 0], [[0, 0, 1, 1, 1, 1, 0, 0]] * 8)
    clear = Picture(tall, alpha=np.zeros((8, 4, 1), np.uint8))
    assert not prepared(clear, (8, 8), 1, False).any() and not prepared(clear, (8, 8), 1, True).any()
    assert prepared(Picture(tall), (8, 8), 3, False).shape == (8, 8, 3)


def test_a_model_of_another_kind_is_refused(model, tmp_path):
    network = pellucid.load(model)
    picture = Picture(half_lit(6, 6))
    save(tmp_path / "wide", network.graph, network.weights, Card("classify", classes=("a", "b", "c")))
    with pytest.raises(UsageError, match="classes and outputs differ in number; seen: 2 outputs, 3 names"):
        classify(pellucid.load(tmp_path / "wide"), picture)
    with pytest.raises(UsageError, match="superres-x3 does not name pictures; seen: superres; expected: a model whose"):
        classify(pellucid.load("superres-x3"), picture)


def test_the_command(model, tmp_path, capsys):
    one, two = str(tmp_path / "one.png"), str(tmp_path / "two.png")
    write(one, Picture(half_lit(9, 12)))
    write(two, Picture(np.ascontiguousarray(half_lit(6, 6)[:, ::-1])))
    assert cli.run(["classify", one, two, "--model", str(model)]) == 0
    out, err = capsys.readouterr()
    headings, first, second = out.splitlines()
    assert headings.split() == ["file", "size", "class", "else", "or"]
    assert first.split()[:5] == [one, "12", "x", "9", "left"] and second.split()[4] == "right"
    assert "scaled to 6 x 6" in err and HALVES.purpose in err
    assert cli.run(["classify", one, "--model", str(model), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (
        found["class"] == "left"
        and found["scaled_from"] == [9, 12]
        and set(found["probabilities"]) == {"left", "right"}
    )


def test_a_picture_that_cannot_be_read_is_one_line(model, tmp_path, capsys):
    good, bad = str(tmp_path / "good.png"), str(tmp_path / "bad.png")
    write(good, Picture(half_lit(6, 6)))
    (tmp_path / "bad.png").write_bytes(b"no picture")
    assert cli.run(["classify", bad, good, "--model", str(model), "--json"]) == 1
    out, err = capsys.readouterr()
    assert [found["file"] for found in json.loads(out)] == [good]
    assert err.count("\n") == 1 and "bad.png" in err
    assert cli.run(["classify", bad, "--model", str(model)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert cli.run(["classify", good, "--model", "digitz"]) == 2
    assert "unknown model 'digitz'" in capsys.readouterr().err
