"""A class for every pixel: shares, probabilities, sizes, depths, the overlay and its legend. [D14]"""

import gc
import json

import numpy as np
import pytest

import pellucid
from pellucid import cli
from pellucid.errors import UsageError
from pellucid.picture import Picture, open_reader, read, write
from pellucid.tasks.legend import legend, lettered
from pellucid.tasks.rows import Options
from pellucid.tasks.segment import PALETTE, Look, Segmented, colours, segment, segment_file
from tests.small_models import segmenting_model, superres_model

PLAIN = Look(opacity=1, legend=False)


@pytest.fixture
def model(tmp_path):
    return pellucid.load(segmenting_model(tmp_path / "colours.safetensors"))


def flag(h: int, w: int, dtype=np.uint8) -> tuple[np.ndarray, np.ndarray]:
    """A quarter red, a quarter green, half blue, side by side, and the number of each pixel's class."""
    labels = np.repeat([[0] * (w // 4) + [1] * (w // 4) + [2] * (w - 2 * (w // 4))], h, axis=0)
    return (np.eye(3)[labels] * np.iinfo(dtype).max).astype(dtype), labels


def painted(model, tmp_path, picture: Picture, look: Look = PLAIN) -> Picture:
    source, target = tmp_path / "in.png", tmp_path / "out.png"
    write(source, picture, overwrite=True)
    segment_file(model, lambda: str(source), str(target), Options(overwrite=True), look)
    return read(target)


@pytest.mark.parametrize("size", [(24, 40), (25, 42), (5, 8), (90, 50)])
def test_every_pixel_gets_its_class_whatever_the_size(model, tmp_path, size):
    pixels, labels = flag(*size)
    out = painted(model, tmp_path, Picture(pixels), Look(labels=True))
    assert out.pixels.shape == (*size, 1) and np.array_equal(out.pixels[..., 0], labels)


def test_shares_and_probabilities_are_those_of_the_pixels(model, tmp_path):
    pixels, _ = flag(20, 40)
    write(tmp_path / "in.png", Picture(pixels))
    with open_reader(str(tmp_path / "in.png")) as reader:
        found = segment(model, reader, Options()).found()
    assert {name: one.share for name, one in found.items()} == {"red": 0.25, "green": 0.25, "blue": 0.5}
    sure = np.exp(20) / (np.exp(20) + 2)
    assert found["blue"].probability == pytest.approx(sure, rel=1e-5)


def test_a_large_picture_is_seen_smaller_and_painted_at_its_own_size(model, tmp_path):
    pixels, labels = flag(121, 203)
    out = painted(model, tmp_path, Picture(pixels), Look(labels=True, side=30))
    wrong = out.pixels[..., 0] != labels
    assert out.pixels.shape == (121, 203, 1) and wrong.mean() < 0.02
    assert not wrong[:, 4:46].any() and not wrong[:, 104:].any()  # only where colours meet
    with open_reader(str(tmp_path / "in.png")) as reader:
        assert segment(model, reader, Options(), side=30).probabilities.shape == (30, 51, 3)


def test_the_overlay_mixes_colours_and_keeps_depth_alpha_and_profile(model, tmp_path):
    pixels, labels = flag(16, 24, np.uint16)
    alpha = np.full((16, 24, 1), 40_000, np.uint16)
    out = painted(model, tmp_path, Picture(pixels, alpha, exif=None), Look(opacity=0.25, legend=False))
    expected = 0.75 * pixels / 65535 + 0.25 * colours(3)[labels]
    assert out.pixels.dtype == np.uint16 and np.array_equal(out.alpha, alpha)
    np.testing.assert_allclose(out.pixels / 65535, expected, atol=2e-5)


def test_grey_pictures_become_coloured(model, tmp_path):
    out = painted(model, tmp_path, Picture(np.full((8, 8, 1), 99, np.uint8)))
    assert out.pixels.shape == (8, 8, 3) and np.unique(out.pixels.reshape(-1, 3), axis=0).shape == (1, 3)


def test_the_legend_stands_below_and_names_what_is_there(model, tmp_path):
    pixels, _ = flag(60, 400)
    pixels[:, :100] = pixels[:, -1:]  # no red
    out = painted(model, tmp_path, Picture(pixels), Look(opacity=0))
    assert out.pixels.shape[0] == 60 + 16 and np.array_equal(out.pixels[:60], pixels)
    expected = legend([(PALETTE[1], "green 25%"), (PALETTE[2], "blue 75%")], 400, 1)
    np.testing.assert_allclose(out.pixels[60:] / 255, expected, atol=1 / 255)


def test_a_legend_takes_as_many_lines_as_it_needs_and_never_more_width():
    entries = [(PALETTE[k], "pedestrian 10%") for k in range(5)]
    heights = [len(legend(entries, width, 1)) for width in (1000, 300, 120, 20)]
    assert heights == [16, 48, 80, 80]
    assert legend(entries, 301, 2).shape == (160, 301, 3) and legend([], 50, 1).shape == (0, 50, 3)
    assert not np.array_equal(lettered("road"), lettered("toad")) and lettered("ä").shape == lettered("a").shape


def test_colours_are_told_apart_without_one_kind_of_cone():
    """Machado, Oliveira and Fernandes, 2009, on linear light; differences in CIE L*a*b*, where 2 is just seen."""
    deficient = {
        "none": np.eye(3),
        "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
        "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
    }
    linear = np.where(PALETTE > 0.04045, ((PALETTE + 0.055) / 1.055) ** 2.4, PALETTE / 12.92)
    for kind, matrix in deficient.items():
        lab = _lab(np.clip(linear @ np.transpose(matrix), 0, 1))
        distance = np.linalg.norm(lab[:, None] - lab, axis=-1) + 1000 * np.eye(len(lab))
        assert distance.min() > 25, kind


def _lab(linear: np.ndarray) -> np.ndarray:
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear @ to_xyz.T / (0.9505, 1, 1.089)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=-1)


def test_what_is_refused(tmp_path, model):
    other = pellucid.load(superres_model(tmp_path / "x3.safetensors"))
    write(tmp_path / "in.png", Picture(flag(8, 8)[0]))
    with open_reader(str(tmp_path / "in.png")) as reader, pytest.raises(UsageError, match="does not segment pictures"):
        segment(other, reader, Options())
    two = pellucid.load(segmenting_model(tmp_path / "two.safetensors", ("red", "green")))
    with open_reader(str(tmp_path / "in.png")) as reader, pytest.raises(UsageError, match="3 outputs, 2 names"):
        segment(two, reader, Options())
    with pytest.raises(UsageError, match="no such opacity; seen: 1.5"):
        Look(opacity=1.5)
    with pytest.raises(UsageError, match="no picture has this side; seen: 0"):
        Look(side=0)


def test_the_command_paints_files_and_prints_shares(tmp_path, capsys):
    file = str(segmenting_model(tmp_path / "colours.safetensors"))
    for name in ("a", "b"):
        write(tmp_path / f"{name}.png", Picture(flag(20, 40)[0]))
    sources = [str(tmp_path / "a.png"), str(tmp_path / "b.png")]
    out = tmp_path / "out"
    assert cli.run(["segment", *sources, "-o", str(out), "--model", file]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["file", "class", "share", "probability"] and len(lines) == 7
    assert lines[1].split() == [sources[0], "blue", "50.0%", "100.0%"]
    assert sorted(path.name for path in out.iterdir()) == ["a.png", "b.png"]
    assert cli.run(["segment", *sources, "-o", str(out), "--model", file, "--json", "--overwrite"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["file"] for one in found] == sources and found[0]["size"] == [20, 40]
    assert found[1]["classes"]["green"] == {"number": 1, "share": 0.25, "probability": pytest.approx(1, abs=1e-6)}


def test_a_long_batch_keeps_no_probabilities(tmp_path, monkeypatch):
    """Those of one frame take 8 MB: the ones of thousands would fill the memory before anything is printed."""
    from pellucid.cli import segment as command

    kept: list[int] = []

    def table(found: dict[str, object]) -> str:
        kept.append(sum(isinstance(one, Segmented) for one in gc.get_objects()))
        return f"{len(found)} pictures"

    monkeypatch.setattr(command, "_table", table)
    for name in ("a", "b"):
        write(tmp_path / f"{name}.png", Picture(flag(20, 40)[0]))
    file = str(segmenting_model(tmp_path / "colours.safetensors"))
    sources = [str(tmp_path / "a.png"), str(tmp_path / "b.png")]
    assert cli.run(["segment", *sources, "-o", str(tmp_path / "out"), "--model", file]) == 0
    assert kept == [0]


def test_the_command_says_what_is_wrong_in_one_line_and_writes_nothing(tmp_path, capsys):
    file, out = str(segmenting_model(tmp_path / "colours.safetensors")), tmp_path / "out.png"
    (tmp_path / "bad.png").write_bytes(b"no picture")
    assert cli.run(["segment", str(tmp_path / "bad.png"), "-o", str(out), "--model", file]) == 1
    assert cli.run(["segment", str(tmp_path / "bad.png"), "-o", str(out), "--model", "digits"]) == 2
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 2 and "digits does not segment pictures" in said.err and not said.out
    assert not out.exists()
