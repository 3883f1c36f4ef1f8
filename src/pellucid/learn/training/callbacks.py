"""Who watches a run: plain classes that are told what happens and never change it.

A `Callback` does nothing; each watcher overrides what it cares for. They may be handed to another process before the
run begins, so files are opened in `started`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import IO, Any

import torch
from torch import nn

from pellucid import picture
from pellucid.learn.losses import centred
from pellucid.learn.recipes import Recipe
from pellucid.learn.training.dead_units import Rectifiers
from pellucid.learn.training.figures import Figures
from pellucid.learn.training.run_folder import RunFolder
from pellucid.learn.training.sums import LayerSum
from pellucid.learn.training.validation import ValidationCrops, shown


@dataclass(frozen=True)
class Start:
    """What is known when a run begins, or goes on, after `step` steps."""

    folder: RunFolder
    recipe: Recipe
    step: int
    layers: Sequence[LayerSum]  # for one sample
    precision: str
    device: str
    peak: float  # operations per second
    crops: ValidationCrops | None  # what there is to show
    notes: Sequence[str]


@dataclass(frozen=True)
class Report:
    """How the last few steps went."""

    step: int
    loss: float
    rate: float
    gradient: float  # its length, before it was shortened
    images_per_second: float
    operations_per_second: float
    waited: float  # share of the time spent waiting for batches


class Callback:
    def started(self, start: Start) -> None: ...

    def reported(self, report: Report) -> None: ...

    def validated(self, step: int, figures: Figures, network: nn.Module) -> None:
        """`network` has the averaged weights and is in evaluation mode."""

    def counted(self, step: int, rectifiers: Rectifiers) -> None:
        """After each validation of a network that has units which can die."""

    def saved(self, step: int) -> None: ...

    def ended(self) -> None:
        """The last call, however the run ended."""


class JsonLog(Callback):
    """One line per report, per validation, and whenever the run begins or goes on, in log.jsonl."""

    def __init__(self) -> None:
        self._file: IO[str] | None = None

    def started(self, start: Start) -> None:
        self._file = open(start.folder.log, "a", encoding="utf-8")  # noqa: SIM115 - it stays open as long as the run
        self._line({"step": start.step, "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())})

    def reported(self, report: Report) -> None:
        self._line(asdict(report))

    def validated(self, step: int, figures: Figures, network: nn.Module) -> None:
        self._line({"step": step} | asdict(figures))

    def counted(self, step: int, rectifiers: Rectifiers) -> None:
        self._line({"step": step, "dead_units": rectifiers.dead, "hidden_units": rectifiers.units})

    def ended(self) -> None:
        if self._file is not None:
            self._file.close()

    def _line(self, values: Mapping[str, object]) -> None:
        assert self._file is not None
        self._file.write(json.dumps(values) + "\n")
        self._file.flush()


class TensorBoard(Callback):
    """The same as events for TensorBoard. [C8]"""

    def started(self, start: Start) -> None:
        from tensorboardX import SummaryWriter

        self._writer = SummaryWriter(str(start.folder.path / "events"), purge_step=start.step + 1)

    def reported(self, report: Report) -> None:
        self._scalars(report.step, asdict(report))

    def validated(self, step: int, figures: Figures, network: nn.Module) -> None:
        self._scalars(step, asdict(figures))

    def counted(self, step: int, rectifiers: Rectifiers) -> None:
        self._scalars(step, {"dead_units": rectifiers.dead})

    def ended(self) -> None:
        self._writer.close()

    def _scalars(self, step: int, values: Mapping[str, Any], where: str = "") -> None:
        for name, value in values.items():
            if isinstance(value, Mapping):
                self._scalars(step, value, f"{name}/")
            elif name != "step":
                self._writer.add_scalar(where + name, value, step)


class Curves(Callback):
    """Learning curves as a picture in the run's folder, drawn from its log after each validation. [C9]"""

    def started(self, start: Start) -> None:
        self._folder, self._task = start.folder, start.recipe.task

    def validated(self, step: int, figures: Figures, network: nn.Module) -> None:
        from pellucid.learn.training.curves import draw_curves

        draw_curves(self._folder.log, self._folder.path / "curves.png", self._task)


class Strip(Callback):
    """Validation crops, where there are some, as a picture in the run's folder: given, come out, wanted."""

    ROWS = 6

    def started(self, start: Start) -> None:
        self._crops, self._scale, self._folder = start.crops, start.recipe.scale, start.folder.path

    @torch.inference_mode()
    def validated(self, step: int, figures: Figures, network: nn.Module) -> None:
        if self._crops is None:
            return
        x, target = next(iter(self._crops))
        x, target = x[: self.ROWS], target[: self.ROWS]
        output = network(x.to(next(network.parameters()).device)).cpu()
        columns = [centred(part, output) for part in (shown(x, target, self._scale), output, target)]
        tall = torch.cat(list(torch.cat(columns, dim=3)), dim=1)  # 3 x (n, c, h, w) -> (n, c, h, 3w) -> (c, nh, 3w)
        pixels = (tall.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0)
        picture.write(self._folder / "validation.png", picture.Picture(pixels.contiguous().numpy()), overwrite=True)


def logs() -> tuple[Callback, ...]:
    """The watchers that every run has."""
    return JsonLog(), TensorBoard(), Curves(), Strip()
