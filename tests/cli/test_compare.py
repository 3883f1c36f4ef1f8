"""`pellucid compare`: a table, a page, one line for what is wrong."""

import numpy as np
import pytest

from pellucid import cli
from pellucid.picture import Picture, write
from tests.small_models import superres_model


@pytest.fixture
def model(tmp_path):
    return str(superres_model(tmp_path / "small.safetensors"))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    for i in range(2):
        pixels = np.random.default_rng(i).integers(0, 256, (36, 42, 3)).astype(np.uint8)
        write(tmp_path / "in" / f"{i}.png", Picture(pixels))
    return tmp_path / "in"


def test_a_folder_with_originals_and_a_page(tmp_path, model, folder, capsys):
    pytest.importorskip("matplotlib")
    page = tmp_path / "c.html"
    assert cli.run(["compare", model, model, "--data", str(folder), "--scale", "3", "-o", str(page)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in out] == ["picture", "0.png", "1.png", "mean", str(page)]
    assert "inf" in out[1] and page.read_text().count("<figure>") == 2
    assert cli.run(["compare", model, model, "--data", str(folder), "-o", str(page)]) == 2
    assert "--overwrite" in capsys.readouterr().err


def test_one_picture(model, folder, capsys):
    assert cli.run(["compare", model, model, "--data", str(folder / "0.png")]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert cli.run(["compare", model, model, "--data", str(folder / "none.png")]) == 1
    assert "none.png" in capsys.readouterr().err
