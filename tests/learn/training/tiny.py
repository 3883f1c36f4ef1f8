"""Trainings that last a second: a small recipe, a small database, and watchers that interfere."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from pellucid.learn.recipes import load_recipe
from pellucid.learn.training.callbacks import Callback, JsonLog, Report
from pellucid.learn.training.job import Job

RECIPE = """
task: superres
steps: 24
scale: 2
network: {name: plain, channels: 4, layers: 2}
data: {degradation: bicubic, patch: 16, batch: 4}
optimiser: {rate: 1e-3, warm_up: 4}
average: 0.9
validation: {every: 1000, crops: 8}
precision: fp32
log_every: 1
checkpoint_steps: 5
"""


class At(Callback):
    """Does something when a step is reported."""

    def __init__(self, step: int, act: Callable[[], object]) -> None:
        self.step, self.act = step, act

    def reported(self, report: Report) -> None:
        if report.step == self.step:
            self.act()


class Crash(Exception):
    pass


def crash() -> None:
    raise Crash


def job(run: Path, database: Path, *changes: str, at: At | None = None, **settings) -> Job:
    watchers = (JsonLog(), *([] if at is None else [at]))
    return Job(load_recipe(recipe_file(run.parent), changes), run, database, threads=1, callbacks=watchers, **settings)


def recipe_file(folder: Path) -> Path:
    path = folder / "tiny.yaml"
    path.write_text(RECIPE)
    return path


def logged(run: Path, key: str) -> list[int]:
    """The steps of all lines of a run's log that have this key."""
    lines = (run / "log.jsonl").read_text().split("\n")[:-1]  # the last one may be half-written
    return [record["step"] for record in map(json.loads, lines) if key in record]


def command(arguments: list[str], output: str) -> None:
    """Runs one command as a process does, with what it prints in a file."""
    from pellucid import cli

    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.exit(cli.run(arguments))
