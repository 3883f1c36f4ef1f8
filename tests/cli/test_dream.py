"""`pellucid dream` and `pellucid style`: a picture where it was wanted, nothing overwritten, errors in one line."""

import numpy as np
import pytest

pytest.importorskip("torch")

from pellucid import cli  # noqa: E402
from pellucid.picture import Picture, from_float, read, write  # noqa: E402
from tests.inspect.nets import noise  # noqa: E402
from tests.small_models import superres_model  # noqa: E402


@pytest.fixture
def files(tmp_path):
    model, picture, out = (str(tmp_path / name) for name in ("small.safetensors", "in.png", "out.png"))
    superres_model(tmp_path / "small.safetensors")
    write(picture, Picture(from_float(noise(40, 48, 3), np.uint8)))
    return model, picture, out


def test_a_dream_is_written_once(files, capsys):
    model, picture, out = files
    command = ["dream", picture, "--model", model, "-o", out, "--steps", "2", "--sizes", "1"]
    assert cli.run(command) == 0 and capsys.readouterr().out == out + "\n"
    assert read(out).pixels.shape == (40, 48, 3) and not np.array_equal(read(out).pixels, read(picture).pixels)
    assert cli.run(command) == 2 and "--overwrite" in capsys.readouterr().err
    assert cli.run([*command, "--overwrite", "--layer", "frist"]) == 2
    assert "did you mean 'first'" in capsys.readouterr().err


def test_a_style_is_written_with_its_errors(files, capsys):
    model, picture, out = files
    assert cli.run(["style", picture, picture, "--model", model, "-o", out, "--steps", "2", "--side", "32"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("content  0 -> 0") and lines[2] == out
    assert read(out).pixels.shape == (27, 32, 3)
