"""What a person sees of a run: a table of the network's layers, then a bar, or lines where there is no terminal.

Everything goes to standard error. The bar shows loss, validation figures, images per second, operations per second
beside what the machine can do, and the time left. [C7] [C8]
"""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from torch import nn

from pellucid.learn.training.callbacks import Callback, Report, Start
from pellucid.learn.training.dead_units import Rectifiers
from pellucid.learn.training.figures import Figures

QUIET_SECONDS = 60.0
"""Without a terminal, at most one line in this time beside those of validations."""


class Watch(Callback):
    """The table, and then the bar or the lines."""

    def __init__(self) -> None:
        self._figures = ""
        self._bar: Progress | None = None
        self._dead = 0

    def started(self, start: Start) -> None:
        self._console = Console(stderr=True)
        self._start, self._last_line, self._begun = start, time.monotonic(), time.monotonic()
        self._console.print(_table(start))
        for note in start.notes:
            self._console.print(note, style="yellow", highlight=False, soft_wrap=True)
        if self._console.is_terminal:
            self._bar = Progress(
                BarColumn(20),
                MofNCompleteColumn(),
                TextColumn("{task.fields[words]}"),
                TimeRemainingColumn(),
                console=self._console,
            )
            self._bar.start()
            self._task = self._bar.add_task("", total=start.recipe.steps, completed=start.step, words="")

    def reported(self, report: Report) -> None:
        share = report.operations_per_second / self._start.peak
        words = (
            f"loss {report.loss:.5f}{self._figures} · {report.images_per_second:.0f} images/s · "
            f"{report.operations_per_second / 1e9:.0f} of {self._start.peak / 1e9:.0f} GFLOP/s ({share:.0%})"
        )
        if report.waited > 0.05:
            words += f" · waiting for data {report.waited:.0%}"
        if self._bar is not None:
            self._bar.update(self._task, completed=report.step, words=words)
        elif time.monotonic() - self._last_line > QUIET_SECONDS:
            self._line(report.step, words)

    def validated(self, step: int, figures: Figures, network: nn.Module) -> None:
        self._figures = f" · {figures.words}"
        if self._bar is None:
            self._line(step, f"validation {figures.words}{figures.beside}")

    def counted(self, step: int, rectifiers: Rectifiers) -> None:
        """Says so when many units are dead, and again when there are more."""
        if rectifiers.many_dead and rectifiers.dead > self._dead:
            self._dead = rectifiers.dead
            hint = f"PReLU or a smaller rate keeps units alive, pellucid inspect {self._start.folder.path} shows them"
            words = f"step {step}: {rectifiers.words}; {hint}"
            self._console.print(words, style="yellow", highlight=False, soft_wrap=True)

    def ended(self) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _line(self, step: int, words: str) -> None:
        self._last_line = time.monotonic()
        done, left = step - self._start.step, self._start.recipe.steps - step
        if done > 0 and left > 0:
            words += f" · {_duration((self._last_line - self._begun) / done * left)} left"
        self._console.print(f"step {step} of {self._start.recipe.steps}: {words}", highlight=False, soft_wrap=True)


def _table(start: Start) -> Table:
    parameters = sum(layer.parameters for layer in start.layers)
    sums = sum(layer.multiply_adds for layer in start.layers)
    what = f"{start.recipe.network.name}: {parameters:,} parameters, {sums / 1e6:,.1f} million multiply-adds a sample"
    where = f"{start.precision} on {start.device}, which reaches {start.peak / 1e9:.0f} GFLOP/s"
    table = Table(title=f"{what}; {where}", title_justify="left", box=None, pad_edge=False)
    for name in ("layer", "kind", "weights"):
        table.add_column(name)
    for name in ("parameters", "million multiply-adds"):
        table.add_column(name, justify="right")
    for layer in start.layers:
        shape = " x ".join(map(str, layer.shape))
        table.add_row(layer.name, layer.kind, shape, f"{layer.parameters:,}", f"{layer.multiply_adds / 1e6:,.1f}")
    return table


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
