"""`pellucid plan`: the layers and their sums."""

import json
import re
from pathlib import Path

import pytest

from pellucid import _engine
from pellucid.cli import run
from pellucid.cli.plan import expected_seconds
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
    assert f"the rows of a strip take {rows * plan['strip'] / 2000 / 1e6:.1f} MB" in capsys.readouterr().out


def test_json_carries_the_expected_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(superres_model(tmp_path / "m.safetensors"))
    assert run(["plan", model, "--size", "64x48", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["output"] == [144, 192, 3] and plan["expected_seconds"] > 0
    assert sum(node["multiply_adds"] for node in plan["nodes"]) == 64 * 48 * 9 * 8 * (3 + 27)


def test_a_layer_takes_as_long_as_its_arithmetic_or_its_memory() -> None:
    arithmetic = {"multiply_adds": 1e9, "extra_multiply_adds": 1e8, "whole": False}
    no_arithmetic = {"multiply_adds": 0.0, "extra_multiply_adds": 0.0, "whole": False}
    ring = {"shape": [100, 50, 4], "rows": 5, "bytes": 5 * 1000}
    plan = {"strip": 50, "input": [100, 50, 3], "threads": 2, "by_layers": False, "weight_bytes": 1e6, "nodes": []}
    peaks = {"flops": 1e9, "l2": 4e5, "l3": 2e5, "memory": 1e5}

    def seconds(*nodes: dict, l2: int = 10**6, l3: int = 10**7) -> float:
        return expected_seconds(plan | {"nodes": nodes}, peaks, {"l2_bytes": l2, "l3_bytes": l3})

    assert seconds(arithmetic | ring) == pytest.approx(2 * 1.1e9 / 1e9 / 2)
    written_and_read = 2 * 100 * 1000
    assert seconds(no_arithmetic | ring) == pytest.approx(written_and_read / 4e5 / 2)
    assert seconds(no_arithmetic | ring, l2=4000) == pytest.approx(written_and_read / 2e5 / 2)
    assert seconds(no_arithmetic | ring, l2=40, l3=400) == pytest.approx(written_and_read / 1e5 / 2)
    assert seconds(no_arithmetic | ring | {"whole": True}) == pytest.approx(written_and_read / 1e5 / 2)
    result = {"shape": [100, 50, 4], "rows": 0, "bytes": 0}
    assert seconds(no_arithmetic | result) == pytest.approx(4 * 4 * 100 * 50 / 1e5 / 2)
    assert seconds(arithmetic | ring, no_arithmetic | result) == pytest.approx(1.1 + 0.4)
    plan["by_layers"] = True
    assert seconds(arithmetic | ring) == pytest.approx(1.1 + 1e6 / 1e5 / 2)


@pytest.mark.parametrize("width, computed", [(50, 64), (64, 64), (65, 96)])
def test_columns_that_fill_up_matrix_tiles_are_counted(
    width: int, computed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, options = _engine.isa(), ["--size", f"{width}x48", "--threads", "1", "--precision", "bf16", "--quick"]
    _engine.set_isa("amx-emulated")
    try:
        assert run(["plan", str(superres_model(tmp_path / "m.safetensors")), *options]) == 0
    finally:
        _engine.set_isa(before)
    assert f"{100 * (computed / width - 1):.1f} % more in vain at edges of tiles and strips" in capsys.readouterr().out


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
