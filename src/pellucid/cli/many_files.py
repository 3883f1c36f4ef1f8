"""What every command does that makes pictures from pictures: the bar over the whole batch, the list of failures, the
report, the exit code. The work on one picture is the caller's."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from pellucid.batch import STREAM, Job, Outcome, plan_jobs, run_jobs
from pellucid.cli.options import Asked
from pellucid.cli.report_file import refuse_unwritable, write_whole
from pellucid.cli.stopping import until_stopped
from pellucid.freed_memory import give_back_large_blocks
from pellucid.picture import is_picture_name
from pellucid.picture.formats import format_to_write, is_writable_name

Advanced = Callable[[int, int], None]
Work = Callable[[str | BinaryIO, str | BinaryIO, Advanced], list[str]]


def run_many(asked: Asked, work: Work, *, note: str) -> int:
    """Makes every picture, says what became of them, and returns the exit code: 0, or 1 if any failed.

    The report is written however it ends: after an interruption it tells how far the batch came.
    """
    suffix = format_to_write(asked.picture_format, None).suffixes[0] if asked.picture_format else ""
    planned = plan_jobs(
        asked.sources, asked.output, is_picture=is_picture_name, suffix=suffix, is_writable=is_writable_name
    )
    if asked.report:
        refuse_unwritable(asked.report)
    outcome = Outcome(len(planned))
    give_back_large_blocks()

    def report() -> None:
        if asked.report:
            write_whole(asked.report, outcome.to_json())

    try:
        until_stopped(lambda look_up: _run(planned, work, asked, note, outcome, look_up), leaving=report)
    finally:
        report()
    return _summary(outcome, asked.output)


def _run(
    planned: list[Job], work: Work, asked: Asked, note: str, outcome: Outcome, look_up: Callable[[], None]
) -> None:
    """The jobs under one bar; `look_up` raises when they are to stop."""
    console = Console(stderr=True)
    with _bar(console, note) as bar:
        pictures = Pictures(bar, len(planned), look_up)

        def one(job: Job) -> None:
            with pictures.open(job) as advanced:
                source: str | BinaryIO = sys.stdin.buffer if job.source == STREAM else job.source
                target: str | BinaryIO = sys.stdout.buffer if job.target == STREAM else job.target
                for line in work(source, target, advanced):
                    words = f"{job.target}: {line}"
                    console.print(words, style="dim", markup=False, highlight=False, soft_wrap=True)

        run_jobs(planned, one, outcome, workers=asked.jobs, overwrite=asked.overwrite, finished=pictures.finished)


class Pictures:
    """One bar for the batch: its length is the number of pictures, its place counts parts of pictures too."""

    def __init__(self, bar: Progress, total: int, look_up: Callable[[], None] = lambda: None) -> None:
        self.bar, self.total, self.done, self.look_up = bar, total, 0, look_up
        self.parts: dict[str, float] = {}
        self.lock = threading.Lock()
        self.task: TaskID = bar.add_task("", total=total)

    def open(self, job: Job) -> _Part:
        return _Part(self, job.source)

    def moved(self, source: str, part: float | None) -> None:
        with self.lock:
            if part is None:
                self.parts.pop(source, None)
            else:
                self.parts[source] = part
            self.bar.update(
                self.task, completed=self.done + sum(self.parts.values()), description=os.path.basename(source)
            )

    def finished(self, job: Job) -> None:
        self.done += 1
        self.moved(job.source, None)


class _Part:
    """The share of one picture that is done."""

    def __init__(self, pictures: Pictures, source: str) -> None:
        self.pictures, self.source = pictures, source

    def __enter__(self) -> Advanced:
        self.pictures.look_up()

        def advanced(rows: int, of: int) -> None:
            self.pictures.look_up()
            self.pictures.moved(self.source, rows / of)

        return advanced

    def __exit__(self, *_: object) -> None:
        self.pictures.moved(self.source, None)


def _summary(outcome: Outcome, output: str) -> int:
    """One line for one picture that failed; for many, counts and the list of failures."""
    for source, error in outcome.failed:
        named = "" if source in error or source == STREAM else f"{source}: "
        click.echo(f"pellucid: {named}{error}", err=True)
    if outcome.pictures > 1 or outcome.skipped:
        counts = f"{len(outcome.done)} done, {len(outcome.skipped)} there already, {len(outcome.failed)} failed"
        click.echo(f"{counts} -> {output}", err=True)
    return 1 if outcome.failed else 0


def _bar(console: Console, note: str) -> Progress:
    columns = (
        TextColumn(note),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.description}"),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
    )
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
