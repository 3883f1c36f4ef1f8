"""`pellucid models`: the list, the card of one, JSON."""

import json
from pathlib import Path

import numpy as np
import pytest

from pellucid import models
from pellucid.card import Card, Figure
from pellucid.cli import run
from pellucid.graph import Graph, Node
from pellucid.modelfile import save

CARD = Card(
    "superres",
    "photographs",
    "faces",
    3,
    "drawn",
    "CC0",
    "steps: 9\nseed: 7\n",
    (
        Figure("Set5", "on Y", {"psnr": 33.456, "psnr of bicubic": 30.4, "ssim": 0.92}),
        Figure("Set5, self-ensemble", "on Y", {"psnr": 33.9}),
        Figure("B100", "on RGB", {"psnr": 28}),
    ),
)


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    graph = Graph((Node("c", "conv"),), 3)
    for name, card in (("superres-x3", CARD), ("another", Card("denoise", "grey pictures"))):
        save(tmp_path / f"{name}.safetensors", graph, {"c.weight": np.zeros((500, 3, 1, 1), np.float32)}, card)
    monkeypatch.setattr(models, "FOLDER", tmp_path)
    return tmp_path


def size(folder: Path, name: str) -> str:
    return f"{(folder / f'{name}.safetensors').stat().st_size / 1000:.0f}"


def test_the_list_has_a_line_for_each(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models"]) == 0
    headings, *lines = capsys.readouterr().out.splitlines()
    assert headings.split() == ["name", "task", "parameters", "size", "PSNR", "for"]
    assert lines[0].split() == ["another", "denoise", "1,500", size(shipped, "another"), "kB", "grey", "pictures"]
    assert lines[1].split() == [
        "superres-x3",
        "superres",
        "1,500",
        size(shipped, "superres-x3"),
        "kB",
        "33.46",
        "dB",
        "photographs",
    ]


def test_one_model_shows_its_card(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "superres-x3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "not for     faces" in lines
    assert "sums        1,500 multiply-adds for each pixel it is given" in lines
    assert "time here   `pellucid plan superres-x3 --size 1920x1080` plans it" in lines
    table = lines.index("measured on                             psnr  ssim")
    assert lines[table + 1 : table + 8] == [
        "Set5                 [1]              33.456  0.92",
        "                          of bicubic    30.4",
        "Set5, self-ensemble  [1]                33.9",
        "B100                 [2]                  28",
        "",
        "[1] on Y",
        "[2] on RGB",
    ]
    assert lines[-2:] == ["  steps: 9", "  seed: 7"]
    assert run(["models", str(shipped / "another.safetensors"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["card"]["purpose"] == "grey pictures"


def test_unknown_names_list_the_known_ones(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "superres-x4"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and "another, superres-x3" in err and err.count("\n") == 1
