"""The promises of a batch, kept at size: thousands of files with bad ones among them, and a stop half way."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from rich.progress import Progress, TimeRemainingColumn

from pellucid import cli
from pellucid.batch import Job
from pellucid.cli.many_files import Pictures
from pellucid.picture import Picture, read, write
from tests.small_models import superres_model

BAD = {
    "empty": b"",
    "text": b"this was a picture once",
    "header": b"\x89PNG\r\n\x1a\n and nothing after it",
    "cut": None,  # the first half of a good one
}


def files(folder: Path, count: int, bad: int) -> set[str]:
    """`count` small PNGs in folders of a thousand; the names of the bad ones among them."""
    whole = io.BytesIO()
    write(whole, Picture(np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)), format="png")
    good, kinds = whole.getvalue(), list(BAD.values())
    chosen = set(np.random.default_rng(1).choice(count, bad, replace=False).tolist())
    for i in range(count):
        path = folder / f"{i // 1000:02d}" / f"{i:05d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = kinds[i % len(kinds)] if i in chosen else good
        path.write_bytes(good[: len(good) // 2] if content is None else content)
    return {f"{i:05d}.png" for i in chosen}


def done(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(("count", "bad"), [(600, 7), pytest.param(10_000, 37, marks=pytest.mark.heavy)])
def test_a_stopped_batch_goes_on_and_lists_every_bad_file(tmp_path, capsys, count, bad):
    names = files(tmp_path / "in", count, bad)
    model = superres_model(tmp_path / "small.safetensors")
    arguments = ["upscale", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--model", str(model), "--jobs", "2"]
    arguments += ["--report", str(tmp_path / "report.json")]

    process = subprocess.Popen(
        [sys.executable, "-m", "pellucid.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # shells make their background deaf to it
    )
    while len(list((tmp_path / "out").rglob("*.png"))) < 5 and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    before = done(tmp_path / "out")
    report = json.loads((tmp_path / "report.json").read_text())
    assert {entry["target"] for entry in report["done"]} == {str(path) for path in before}
    assert report["pictures"] == count
    assert process.returncode == 130 and "interrupted" in said and "Traceback" not in said
    assert 5 <= len(before) < count - bad and all(path.suffix == ".png" for path in before)
    stamps = {path: path.stat().st_mtime_ns for path in before}

    assert cli.run(arguments) == 1
    counts = f"{count - bad - len(before):d} done, {len(before)} there already, {bad} failed"
    assert counts in capsys.readouterr().err
    after = done(tmp_path / "out")
    assert len(after) == count - bad and not names & {path.name for path in after}
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())
    assert all(read(path).pixels.shape == (18, 24, 3) for path in after[:: max(1, count // 50)])
    report = json.loads((tmp_path / "report.json").read_text())
    assert {Path(entry["source"]).name for entry in report["failed"]} == names
    assert len(report["done"]) + len(report["skipped"]) == count - bad
    assert all(entry["error"] for entry in report["failed"])


def test_the_time_left_is_that_of_the_whole_batch():
    """Ten pictures of which four and a half are done after nine seconds leave eleven."""
    now = 0.0
    bar = Progress(TimeRemainingColumn(), console=Console(file=io.StringIO()), get_time=lambda: now, disable=True)
    pictures = Pictures(bar, 10)
    for k in range(4):
        now += 2
        pictures.finished(Job(f"{k}.png", ""))
    now += 1
    with pictures.open(Job("4.png", "")) as advanced:
        advanced(50, 100)
        assert bar.tasks[0].time_remaining == 11
