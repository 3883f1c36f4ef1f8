"""A batch that is told to stop leaves quietly and leaves nothing half-written, however it is told, and how often."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from pellucid.picture import Picture, write
from tests.small_models import superres_model

SIDE = 1000


def as_in_a_terminal() -> None:
    """Whoever runs the tests may have had signals ignored, as nohup does, and programs inherit that."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def started(tmp_path: Path):
    """Enlarges a picture that takes seconds; given once something of it is written."""
    pixels = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    (tmp_path / "in").mkdir()
    for name in ("a.jpg", "b.jpg"):
        write(tmp_path / "in" / name, Picture(pixels))
    model = str(superres_model(tmp_path / "small.safetensors"))
    processes = []

    def start(*options: str) -> subprocess.Popen[str]:
        arguments = ["upscale", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--model", model, *options]
        process = subprocess.Popen(
            [sys.executable, "-m", "pellucid.cli", *arguments, "--format", "png"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=as_in_a_terminal,
        )
        processes.append(process)
        while not any((tmp_path / "out").glob(".pellucid-*.part")):
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.002)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()


def quietly(process: subprocess.Popen[str], folder: Path, code: int) -> None:
    said, wrong = process.communicate(timeout=60)
    assert (process.returncode, said) == (code, "")
    assert wrong == "pellucid: interrupted; nothing half-written was left\n"
    assert not list((folder / "out").glob(".*"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda n: n.name)
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_every_signal_cleans_up(tmp_path, started, number, jobs):
    process = started("--jobs", jobs, "--report", str(tmp_path / "report.json"))
    process.send_signal(number)
    quietly(process, tmp_path, 128 + number)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["pictures"] == 2 and len(report["done"]) == len(os.listdir(tmp_path / "out"))


@pytest.mark.parametrize("pause", [0.0, 0.005, 0.02, 0.1, 0.4])
def test_an_impatient_second_signal_changes_nothing(tmp_path, started, pause):
    process = started()
    process.send_signal(signal.SIGINT)
    time.sleep(pause)
    process.send_signal(signal.SIGINT)
    if process.wait(timeout=60) == -signal.SIGINT:  # it was as good as gone
        assert not list((tmp_path / "out").glob(".*"))
    else:
        quietly(process, tmp_path, 130)


def test_what_cannot_stop_is_left_behind(tmp_path):
    """Reading standard input, which never comes."""
    model = str(superres_model(tmp_path / "small.safetensors"))
    process = subprocess.Popen(
        [sys.executable, "-m", "pellucid.cli", "upscale", "-", "-o", str(tmp_path / "out.png"), "--model", model],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(3)
    process.send_signal(signal.SIGTERM)
    time.sleep(1.2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 143
    assert process.stderr.read() == "pellucid: interrupted; nothing half-written was left\n"
    assert not (tmp_path / "out.png").exists()
    process.stdin.close()


def test_what_a_killed_process_left_goes_with_the_next_run(tmp_path, started):
    process = started()
    process.kill()
    process.wait()
    assert list((tmp_path / "out").glob(".pellucid-*.part"))
    process = started()
    assert process.wait(timeout=120) == 0
    assert sorted(os.listdir(tmp_path / "out")) == ["a.png", "b.png"]
