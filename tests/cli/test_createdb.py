"""`pellucid createdb` as it is typed: exit codes, what goes to stdout, what goes to stderr."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid import picture
from pellucid.cli import run


@pytest.fixture
def photos(tmp_path):
    (tmp_path / "photos").mkdir()
    for i in range(3):
        pixels = np.random.default_rng(i).integers(0, 256, (40, 50, 3), dtype=np.uint8)
        picture.write(tmp_path / "photos" / f"{i}.png", picture.Picture(pixels))
    return tmp_path / "photos"


def createdb(*arguments):
    return run(["createdb", *map(str, arguments)])


def small(photos, output, *more):
    return createdb(photos, "-o", output, "--crop", 16, "--count", 40, "--val", 0.2, "--jobs", 1, *more)


def test_making_then_finished_then_shown_and_checked(photos, tmp_path, capsys):
    output = tmp_path / "crops.db"
    assert small(photos, output) == 0
    made = capsys.readouterr()
    assert made.out == f"{output} is finished: 32 crops for training, 8 for validation, 16 x 16, from 3 pictures\n"
    assert "cutting crops" in made.err and "40/40" in made.err
    assert small(photos, output) == 0
    assert "was finished before" in capsys.readouterr().out
    assert createdb("--show", output, "-o", tmp_path / "sheet.png") == 0
    assert picture.read(tmp_path / "sheet.png").pixels.shape[2] == 3
    assert createdb("--check", output) == 0
    assert "40 crops, all as their checksums say" in capsys.readouterr().out


def test_broken_pictures_are_listed_at_the_end_and_do_not_fail(photos, tmp_path, capsys):
    (photos / "torn.png").write_bytes((photos / "0.png").read_bytes()[:900])
    assert small(photos, tmp_path / "crops.db") == 0
    err = capsys.readouterr().err
    assert "left out: photos/torn.png: " in err
    assert "1 of 4 pictures were left out" in err


def test_only_broken_pictures_fail(tmp_path, capsys):
    (tmp_path / "torn.png").write_bytes(b"no picture")
    assert small(tmp_path / "torn.png", tmp_path / "crops.db") == 1
    assert "no picture is left" in capsys.readouterr().err
    assert not list(tmp_path.glob("crops.db*"))


def test_what_is_refused_at_once_is_one_line(tmp_path, capsys):
    assert createdb(tmp_path / "nowhere", "-o", tmp_path / "crops.db") == 1
    assert capsys.readouterr().err.splitlines() == [f"pellucid: no such file or folder; seen: {tmp_path / 'nowhere'}"]


@pytest.mark.parametrize("arguments", [[], ["--show", "a.db", "photo.png"], ["--show", "a.db", "--check", "a.db"]])
def test_misuse_is_a_usage_error(arguments):
    assert createdb(*arguments) == 2


def test_options_out_of_range_are_usage_errors(photos, tmp_path, capsys):
    assert small(photos, tmp_path / "crops.db", "--shrink", 0) == 2
    assert "--shrink is out of range; seen: 0; expected: 1 to 64" in capsys.readouterr().err
    assert not list(tmp_path.glob("crops.db*"))


def test_other_options_for_a_finished_folder_fail(photos, tmp_path, capsys):
    small(photos, tmp_path / "crops.db")
    assert small(photos, tmp_path / "crops.db", "--seed", 8) == 1
    assert "made with other options; seen: seed 7; expected: seed 8" in capsys.readouterr().err


def test_an_interruption_says_how_to_go_on(photos, tmp_path, capsys, monkeypatch):
    from pellucid.learn.data import create_database as module

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "cut", interrupted)
        assert small(photos, tmp_path / "crops.db") == 130
    assert "the same command goes on from here" in capsys.readouterr().err
    assert small(photos, tmp_path / "crops.db") == 0
