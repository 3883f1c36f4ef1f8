"""`pellucid plan`: the layers and their sums."""

import json
import re
from pathlib import Path

import pytest

from pellucid.cli import run
from tests.small_models import superres_model


def test_the_plan_names_layers_and_sums(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(superres_model(tmp_path / "m.safetensors"))
    assert run(["plan", model, "--size", "64x48", "--quick", "--threads", "1"]) == 0
    text = capsys.readouterr().out
    assert "input       64 x 48, 3 channels; output 192 x 144, 3 channels; float32" in text
    assert "1 strip of 64 columns, blocks of 4 rows, 1 thread, 1 pass;" in text and "time" not in text
    assert any(line.startswith("first ") for line in text.splitlines())


def test_a_strip_takes_its_share_of_the_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(superres_model(tmp_path / "m.safetensors"))
    options = ["plan", model, "--size", "2000x1000", "--quick", "--threads", "2"]
    assert run([*options, "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    rows = sum(node["bytes"] for node in plan["nodes"])
    assert plan["strip"] < 2000 and run(options) == 0
    assert f"a strip's rows take {rows * plan['strip'] / 2000 / 1e6:.1f} MB" in capsys.readouterr().out


def test_json_carries_the_expected_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(superres_model(tmp_path / "m.safetensors"))
    assert run(["plan", model, "--size", "64x48", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["output"] == [144, 192, 3] and plan["expected_seconds"] > 0
    assert sum(node["multiply_adds"] for node in plan["nodes"]) == 64 * 48 * 9 * 8 * (3 + 27)


def test_a_ceiling_that_does_not_suffice_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(superres_model(tmp_path / "m.safetensors"))
    assert run(["plan", model, "--size", "4000x3000", "--memory", "1K", "--quick"]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "expected" in err


def test_following_the_advice_about_memory_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["plan", str(superres_model(tmp_path / "m.safetensors")), "--size", "4000x3000", "--quick"]
    assert run([*options, "--memory", "1K"]) == 1
    advised = re.search(r"at least (\d+M) [(]", capsys.readouterr().err)
    assert advised and run([*options, "--memory", advised[1]]) == 0


def test_a_network_of_one_size_is_planned_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "digits", "--quick"]) == 0
    assert capsys.readouterr().out.count("input       28 x 28, 1 channels; output 1 x 1, 10 channels") == 1
