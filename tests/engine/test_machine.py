"""What the engine says of the machine and of itself."""

import math
import os
import subprocess
import sys

import pytest

from pellucid import _engine


def test_hardware_is_what_this_process_may_use() -> None:
    hardware = _engine.hardware()
    assert 1 <= hardware["threads"] <= len(os.sched_getaffinity(0))
    assert 0 < hardware["l1_bytes"] < hardware["l2_bytes"]
    assert hardware["isa"] == _engine.isa() and hardware["isa"] in _engine.isas()


def test_threads_respect_affinity() -> None:
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from pellucid import _engine; print(_engine.hardware()['threads'])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "1\n"


def test_peaks_are_measured() -> None:
    peaks = _engine.measure_peaks()
    assert set(peaks) == {"flops", "l1", "l2", "l3", "memory"}
    assert all(math.isfinite(value) and value > 0 for value in peaks.values())


@pytest.mark.parametrize("isa", _engine.isas())
def test_the_environment_forces_an_instruction_set(isa: str) -> None:
    code = "from pellucid import _engine; print(_engine.isa())"
    environment = {**os.environ, "PELLUCID_ISA": isa}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == isa


@pytest.mark.parametrize("isa", ["sse9", *sorted({"avx2", "avx512", "amx", "neon"} - set(_engine.isas()))])
def test_what_is_unknown_or_absent_here_is_refused_in_one_line(isa: str) -> None:
    """No processor meets instructions that it lacks: some of the four are absent on any."""
    environment = {**os.environ, "PELLUCID_ISA": isa}
    command = [sys.executable, "-m", "pellucid.cli", "machine"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 2 and not done.stdout and done.stderr.count("\n") == 1
    assert f"not available here; seen: {isa}; expected: scalar" in done.stderr


def test_operations_are_published_with_all_that_derives_from_them() -> None:
    operations = {operation["name"]: operation for operation in _engine.operations()}
    conv = operations["conv"]
    assert conv["inputs"] == (1, 1) and conv["weights"] == ["weight", "bias"] and conv["optional_weights"] == ["bias"]
    assert [name for name, _, _ in conv["attributes"]] == ["stride", "dilation", "groups", "padding"]
    assert all(operation["summary"] for operation in operations.values())
