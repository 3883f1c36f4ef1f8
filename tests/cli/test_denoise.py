"""`pellucid denoise`: the level, folders of grey and colour pictures, what is said and what the exit codes are."""

import numpy as np
import pytest

from pellucid import cli, models
from pellucid.picture import Picture, read, write
from tests.small_models import denoising_model, superres_model


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A folder of models in place of the package's."""
    monkeypatch.setattr(models, "FOLDER", tmp_path)
    denoising_model(tmp_path / "denoise-colour.safetensors", 3)
    denoising_model(tmp_path / "denoise-grey.safetensors", 1)
    superres_model(tmp_path / "superres-x3.safetensors")


def picture(path, channels=3):
    path.parent.mkdir(exist_ok=True)
    x = np.random.default_rng(0).normal(128, 20, (40, 30, channels))
    write(path, Picture(x.clip(0, 255).astype(np.uint8)))


def denoise(*arguments):
    return cli.run(["denoise", *map(str, arguments)])


def test_a_folder_of_grey_and_colour_goes_on_after_a_bad_file(tmp_path, shipped, capsys):
    picture(tmp_path / "in" / "colour.png")
    picture(tmp_path / "in" / "grey.png", channels=1)
    (tmp_path / "in" / "bad.png").write_bytes(b"no picture")
    assert denoise(tmp_path / "in", "-o", tmp_path / "out") == 1
    captured = capsys.readouterr()
    assert not captured.out and "bad.png" in captured.err and "2 done, 0 there already, 1 failed" in captured.err
    measured = [line for line in captured.err.splitlines() if ".png: noise of" in line]
    assert len(measured) == 2 and all(line.endswith("grey levels") for line in measured)  # long names break no line
    for name, channels in (("colour.png", 3), ("grey.png", 1)):
        result, given = read(tmp_path / "out" / name).pixels, read(tmp_path / "in" / name).pixels
        assert result.shape == (40, 30, channels) and result[2:-2, 2:-2].std() < given[2:-2, 2:-2].std()


def test_a_level_that_is_named_is_taken(tmp_path, shipped):
    picture(tmp_path / "in.png")
    for name, arguments in {"none": ("--sigma", 0), "some": ("--sigma", 55), "no": ("--strength", 0)}.items():
        assert denoise(tmp_path / "in.png", "-o", tmp_path / f"{name}.png", *arguments) == 0
    given, none, some, no = (read(tmp_path / f"{name}.png").pixels for name in ("in", "none", "some", "no"))
    assert (none == given).all() and (no == given).all() and (some != given).any()


def test_grey_is_cleaned_by_the_colour_model_where_there_is_no_other(tmp_path, shipped):
    (tmp_path / "denoise-grey.safetensors").unlink()
    picture(tmp_path / "in.png", channels=1)
    assert denoise(tmp_path / "in.png", "-o", tmp_path / "out.png", "--sigma", 20) == 0
    assert read(tmp_path / "out.png").pixels.shape == (40, 30, 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--sigma", "much"), "'much' is no noise level"),
        (("--sigma", "99"), "no such noise level; seen: 99"),
        (("--strength", "2"), "no such strength"),
        (("--model", "superres-x3"), "does not clean pictures"),
        (("--model", "denoise-color"), "did you mean 'denoise-colour'"),
    ],
)
def test_what_cannot_be_asked_is_one_line(tmp_path, shipped, capsys, arguments, said):
    picture(tmp_path / "in.png")
    assert denoise(tmp_path / "in.png", "-o", tmp_path / "out.png", *arguments) == 2
    captured = capsys.readouterr()
    assert said in captured.err and not captured.out and not (tmp_path / "out.png").exists()
