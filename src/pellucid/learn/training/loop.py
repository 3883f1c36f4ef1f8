"""The training loop: one run from a recipe to its end, or on from where it was stopped. [C3] [C4] [C8]

The same command goes on after any kind of end, and the final weights have the bits of an unbroken run, on one machine
with one number of threads. It knows nothing of terminals: callbacks watch.
"""

from __future__ import annotations

import hashlib
import logging
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from lightning_fabric import Fabric
from torch import Tensor

from pellucid.errors import DatabaseError, NotFiniteError, TrainingError
from pellucid.learn.data.batches import Batches
from pellucid.learn.data.database import CropDatabase, open_database
from pellucid.learn.data.prefetch import Prefetched
from pellucid.learn.networks import build_network
from pellucid.learn.recipes import Recipe, differing_keys, recipe_from_text, recipe_to_text
from pellucid.learn.training import precision as precisions
from pellucid.learn.training.average import MovingAverage
from pellucid.learn.training.callbacks import Callback, Report, Start
from pellucid.learn.training.checkpoints import newest_good, read_state, write_checkpoint
from pellucid.learn.training.drawn import drawn_database
from pellucid.learn.training.not_finite import first_not_finite
from pellucid.learn.training.run_folder import DRAWN, RunFolder
from pellucid.learn.training.schedule import rate_at
from pellucid.learn.training.state import State, weights_hash
from pellucid.learn.training.stop_request import StopRequest
from pellucid.learn.training.sums import PASSES, layer_sums, measured_peak
from pellucid.learn.training.validation import Figures, ValidationCrops, validate


@dataclass(frozen=True)
class Job:
    """What to train and where. None leaves the choice to the run's folder, or to the machine."""

    recipe: Recipe
    run: Path
    database: Path | None = None
    threads: int | None = None
    precision: str | None = None
    snapshot: Path | None = None
    processes: int = 1
    callbacks: tuple[Callback, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """How a call ended: `finished` now, `was finished` before, or `stopped` by request."""

    ending: Literal["finished", "was finished", "stopped"]
    step: int
    weights: str  # SHA-256 of the weights and their average
    figures: Figures | None  # of the last validation


def train(job: Job) -> Outcome:
    """Starts the run, or goes on with it."""
    folder = RunFolder(job.run)
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it says what the table says
    with folder.locked():
        setting = _settle(job, folder)
        notes = folder.begin(job.recipe, setting)
        saved, damaged = newest_good(folder.checkpoints)
        notes = [f"{note}: the run goes on, but not with the same bits" for note in notes]
        notes += [f"{path} is damaged and was passed over" for path in damaged]
        if saved is not None and saved["step"] >= job.recipe.steps:
            return Outcome("was finished", saved["step"], weights_hash(saved), None)
        if saved is None and job.snapshot is not None:
            saved = _from_snapshot(job)
        fabric = Fabric(
            accelerator="auto",
            devices=job.processes,
            strategy="auto" if job.processes == 1 else "ddp_spawn",
            precision=precisions.FABRIC_NAMES[setting["precision"]],  # type: ignore[arg-type]
        )
        return fabric.launch(_run, job, setting, saved, notes)


def _settle(job: Job, folder: RunFolder) -> dict[str, Any]:
    """What decides the weights beside the recipe; what was not asked for is as it was, or as the machine likes it."""
    there = folder.facts() if folder.exists else {}
    cores = len(os.sched_getaffinity(0))
    return {
        "database": _database(job).fingerprint,
        "precision": precisions.settled(job.precision or there.get("precision") or job.recipe.precision),
        "processes": job.processes,
        "from": None if job.snapshot is None else hashlib.sha256(_bytes_of(job.snapshot)).hexdigest(),
        "threads": job.threads or there.get("threads") or max(1, cores // job.processes),
        "torch": torch.__version__,
        "processor": precisions.processor_name(),
    }


def _bytes_of(path: Path) -> bytes:
    read_state(path)  # says what is wrong with the file
    return path.read_bytes()


def _database(job: Job) -> CropDatabase:
    data = job.recipe.data
    if job.database is not None:
        return open_database(job.database, at_least=data.patch)
    if not data.pictures:
        raise DatabaseError(
            "the recipe learns from photographs",
            seen="no database",
            hint="make one with `pellucid createdb`, name it with --data",
        )
    return drawn_database(job.run / DRAWN, pictures=data.pictures, crop=data.patch, seed=job.recipe.seed)


def _from_snapshot(job: Job) -> dict[str, Any]:
    """A snapshot's state, if it is of this network; the schedule may be another."""
    assert job.snapshot is not None
    state = read_state(job.snapshot)
    different = differing_keys(recipe_from_text(state["recipe"]), job.recipe)
    for key, seen, asked in different:
        if key.partition(".")[0] in ("network", "scale") or key == "data.channels":
            raise TrainingError(
                f"the snapshot is of another network: {key} differs", seen=seen, expected=asked, hint="use --set"
            )
    if state["step"] >= job.recipe.steps:
        raise TrainingError(
            "the snapshot is beyond the end of this run",
            seen=f"{state['step']} steps",
            expected=f"fewer than {job.recipe.steps}",
            hint="--steps makes the run longer",
        )
    return state


def _run(
    fabric: Fabric, job: Job, setting: dict[str, Any], saved: dict[str, Any] | None, notes: Sequence[str]
) -> Outcome:
    torch.set_num_threads(setting["threads"])
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    with StopRequest() as stop:
        training = Training(fabric, job, setting, saved, notes)
        try:
            return training.go(stop)
        finally:
            for callback in training.callbacks:
                callback.ended()


class Training:
    """One process's part of a run."""

    def __init__(
        self, fabric: Fabric, job: Job, setting: dict[str, Any], saved: dict[str, Any] | None, notes: Sequence[str]
    ) -> None:
        self.fabric, self.recipe, self.folder = fabric, job.recipe, RunFolder(job.run)
        self.callbacks: tuple[Callback, ...] = ()
        self.text = recipe_to_text(job.recipe)
        self.database = _database(job)
        self.state = self._begin(saved)
        self.network = fabric.setup_module(self.state.network)
        self.loss = self.recipe.loss.settings
        self.crops = ValidationCrops(self._batches("val", 0, 1), self.recipe.validation.crops)
        self.interval = Interval(self.state.step)
        self.figures: Figures | None = None
        start = self._start(setting, notes)
        self.operations = 2 * PASSES * sum(layer.multiply_adds for layer in start.layers)  # for one sample
        if fabric.is_global_zero:
            self.folder.cut_log(self.state.step)
            for callback in job.callbacks:
                callback.started(start)
                self.callbacks += (callback,)

    def _begin(self, saved: dict[str, Any] | None) -> State:
        torch.manual_seed(self.recipe.seed)
        network = build_network(self.recipe.network.name, self.recipe.network.settings)
        network.to(device=self.fabric.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        choice = self.recipe.optimiser
        optimiser = torch.optim.AdamW(
            [p for p in network.parameters() if p.requires_grad],
            lr=choice.rate,
            betas=(choice.beta1, choice.beta2),
            weight_decay=choice.weight_decay,
            fused=True,
        )
        state = State(network, optimiser, MovingAverage(network, self.recipe.average))
        if saved is not None:
            state.restore(saved)
        return state

    def _batches(self, part: Literal["train", "val"], rank: int, ranks: int) -> Batches:
        data = self.recipe.data
        return Batches(
            self.database,
            batch=data.batch,
            patch=data.patch,
            seed=self.recipe.seed,
            degradation=data.degradation.settings,
            channels=data.channels,
            part=part,
            rank=rank,
            ranks=ranks,
        )

    def _start(self, setting: dict[str, Any], notes: Sequence[str]) -> Start:
        sample = next(iter(self.crops))[0][:1].to(self.fabric.device)
        device = self.fabric.device
        return Start(
            folder=self.folder,
            recipe=self.recipe,
            step=self.state.step,
            layers=layer_sums(self.state.network, sample),
            precision=setting["precision"],
            device=f"{setting['threads']} threads" if device.type == "cpu" else str(device),
            peak=measured_peak(precisions.DTYPES[setting["precision"]], device) * self.fabric.world_size,
            crops=self.crops,
            notes=notes,
        )

    def go(self, stop: StopRequest) -> Outcome:
        """Steps until the end, or until asked to stop."""
        if self.state.step == 0:
            self._validate()
        saved_at, saved_step = time.monotonic(), self.state.step
        batches = self._batches("train", self.fabric.global_rank, self.fabric.world_size)
        with Prefetched(batches.batch_at, self.state.step) as prefetched:
            self.interval = Interval(self.state.step)
            while self.state.step < self.recipe.steps:
                self._step(*next(prefetched))
                step, last = self.state.step, self.state.step == self.recipe.steps
                stopping = self._all_agree(stop.asked)
                if step % self.recipe.log_every == 0 or last:
                    self._report(prefetched.waited_share)
                if step % self.recipe.validation.every == 0 or last:
                    self._validate()
                due = time.monotonic() - saved_at >= self.recipe.checkpoint_seconds
                every = self.recipe.checkpoint_steps
                if due or last or stopping or (every and step - saved_step >= every):
                    self._save()
                    saved_at, saved_step = time.monotonic(), step
                if stopping and not last:
                    return self._outcome("stopped")
        return self._outcome("finished")

    def _step(self, x: Tensor, target: Tensor) -> None:
        """One step of gradient descent; numbers that are not finite stop the run before they reach the weights."""
        x, target = x.to(self.fabric.device), target.to(self.fabric.device)
        choice, optimiser = self.recipe.optimiser, self.state.optimiser
        rate = rate_at(self.state.step, self.recipe.steps, choice)
        for group in optimiser.param_groups:
            group["lr"] = rate
        loss = self.loss(self.network(x), target)
        self.fabric.backward(loss)
        weights = self.state.network.parameters()
        length = float(torch.nn.utils.clip_grad_norm_(weights, choice.clip or math.inf, foreach=True))
        value = float(loss.detach())
        if not math.isfinite(length) or not math.isfinite(value):
            self._stop_not_finite(x, target, value)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        self.state.step += 1
        self.state.average.update(self.state.network, self.state.step)
        self.interval.add(len(x) * self.fabric.world_size, value, length, rate)

    def _stop_not_finite(self, x: Tensor, target: Tensor, loss: float) -> None:
        """Repeats the step to find the layer, since shortening has already spread NaN over all gradients."""
        self.state.optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(self.loss(self.network(x), target))
        where = first_not_finite(self.network, x)
        good, _ = newest_good(self.folder.checkpoints)
        last = "there is none yet" if good is None else f"of step {good['step']} in {self.folder.checkpoints}"
        raise NotFiniteError(
            f"numbers stopped being finite in step {self.state.step + 1}, first in {where}",
            seen=f"loss {loss}",
            hint=f"try a smaller optimiser.rate; the last good checkpoint is {last}"
            if good is not None
            else f"try a smaller optimiser.rate; of checkpoints {last}",
        )

    def _all_agree(self, asked: bool) -> bool:
        """Whether any process was asked to stop, so that all stop after the same step."""
        if self.fabric.world_size == 1:
            return asked
        return bool(self.fabric.all_reduce(torch.tensor(float(asked)), reduce_op="sum") > 0)

    def _report(self, waited: float) -> None:
        report = self.interval.report(self.state.step, self.operations, waited)
        self.interval = Interval(self.state.step)
        for callback in self.callbacks:
            callback.reported(report)

    def _validate(self) -> None:
        if not self.fabric.is_global_zero:
            return
        begun = time.perf_counter()
        self.figures = validate(self.state.average.network, self.crops, self.recipe.scale)
        for callback in self.callbacks:
            callback.validated(self.state.step, self.figures, self.state.average.network)
        self.interval.pause(time.perf_counter() - begun)

    def _save(self) -> None:
        if not self.fabric.is_global_zero:
            return
        begun = time.perf_counter()
        write_checkpoint(self.folder.checkpoints, self.state.to_dict() | {"recipe": self.text})
        for callback in self.callbacks:
            callback.saved(self.state.step)
        self.interval.pause(time.perf_counter() - begun)

    def _outcome(self, ending: Literal["finished", "stopped"]) -> Outcome:
        return Outcome(ending, self.state.step, weights_hash(self.state.to_dict()), self.figures)


class Interval:
    """What happened since the last report."""

    def __init__(self, step: int) -> None:
        self._step, self._begun, self._images = step, time.perf_counter(), 0
        self._loss = self._length = self._rate = 0.0

    def add(self, images: int, loss: float, length: float, rate: float) -> None:
        self._images += images
        self._loss += loss
        self._length, self._rate = max(self._length, length), rate

    def pause(self, seconds: float) -> None:
        """Takes time that was not spent on steps out of the account."""
        self._begun += seconds

    def report(self, step: int, operations: int, waited: float) -> Report:
        rate = self._images / max(time.perf_counter() - self._begun, 1e-9)
        return Report(
            step=step,
            loss=self._loss / max(1, step - self._step),
            rate=self._rate,
            gradient=self._length,
            images_per_second=rate,
            operations_per_second=rate * operations,
            waited=waited,
        )
