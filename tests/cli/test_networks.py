"""`pellucid networks`: a line for each network that can be built, its figures, JSON."""

import json

import pytest

pytest.importorskip("torch")

from pellucid.cli import networks, run  # noqa: E402
from pellucid.learn.networks import all_families  # noqa: E402
from pellucid.learn.networks.documented import DOCUMENTED  # noqa: E402

FOUND = [
    {"name": "small", "for": "B1", "input": [1, 28, 20], "parameters": 7850, "multiply_adds": 7840,
     "receptive_field": None},
    {"name": "large", "for": "recipes", "input": [3, 64, 64], "parameters": 11689512, "multiply_adds": 1814073344,
     "receptive_field": [435, 33]},
]  # fmt: skip


def test_every_network_is_there_with_its_figures(capsys):
    assert run(["networks", "--json"]) == 0
    found = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert found.keys() >= DOCUMENTED.keys() | all_families().keys() - {"segnet", "unet"}
    assert found["resnet18"]["parameters"] == 11_689_512 and found["resnet18"]["receptive_field"] == [435, 435]
    assert found["resnet18"]["multiply_adds"] == pytest.approx(1.81e9, rel=0.01)
    assert found["perceptron"]["receptive_field"] is None and found["perceptron"]["multiply_adds"] == 7840


def test_the_table_says_width_first_and_small_sums_too(monkeypatch, capsys):
    monkeypatch.setattr(networks, "describe", lambda: FOUND)
    assert run(["networks"]) == 0
    headings, *lines = capsys.readouterr().out.splitlines()
    assert headings.split()[:4] == ["network", "for", "input", "parameters"]
    assert lines[0].split() == ["small", "B1", "20", "x", "28", "x", "1", "7,850", "0.0078", "all"]
    assert lines[1].split()[-5:] == ["11,689,512", "1,814.1", "33", "x", "435"]
