"""The commands of the guide to training run, one after the other, with shorter trainings."""

import re
import shlex
from pathlib import Path

import pytest

pytest.importorskip("torch")

from pellucid import cli  # noqa: E402
from pellucid.learn.training.drawn import drawn_picture  # noqa: E402
from pellucid.picture import Picture, write  # noqa: E402

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "training.md"


@pytest.mark.heavy
def test_every_command_runs(tmp_path, monkeypatch):
    (tmp_path / "photos").mkdir()
    for number in range(8):
        write(tmp_path / "photos" / f"{number}.png", Picture(drawn_picture(5, number)))
    write(tmp_path / "picture.png", Picture(drawn_picture(6, 0)))
    monkeypatch.chdir(tmp_path)
    lines = [line for block in re.findall(r"```sh\n(.*?)```", GUIDE.read_text(), re.S) for line in block.splitlines()]
    assert len(lines) >= 7
    for number, line in enumerate(lines):
        program, *arguments = shlex.split(line)
        assert program == "pellucid"
        if arguments[0] == "train":
            arguments += ["--steps", str(number + 1), "--set", "goal_psnr=0", "--set", "validation.crops=16"]
        if arguments[0] == "createdb":
            arguments += ["--count", "200", "--val", "0.3"]
        assert cli.run(arguments) == 0, line
