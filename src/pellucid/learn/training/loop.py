"""The training loop: one run from a recipe to its end, or on from where it was stopped. [C3] [C4] [C8]

The same command goes on after any kind of end, and the final weights have the bits of an unbroken run, on one machine
with one number of threads. It knows nothing of terminals: callbacks watch.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, Literal, NoReturn

import torch
from lightning_fabric import Fabric
from torch import Tensor

from pellucid.errors import NotFiniteError
from pellucid.freed_memory import keep_freed_memory
from pellucid.learn.acceleration import accelerate
from pellucid.learn.data.keyed_random import bits
from pellucid.learn.data.prefetch import Prefetched
from pellucid.learn.losses import on_torch
from pellucid.learn.networks import build_network
from pellucid.learn.recipes import recipe_to_text
from pellucid.learn.training import precision as precisions
from pellucid.learn.training.adam import AdamW
from pellucid.learn.training.average import MovingAverage
from pellucid.learn.training.callbacks import Callback, Start
from pellucid.learn.training.checkpoints import newest_good, write_checkpoint
from pellucid.learn.training.dead_units import PICTURES, rectifiers
from pellucid.learn.training.figures import Figures, figures_from
from pellucid.learn.training.interval import Interval
from pellucid.learn.training.job import Job, Outcome, beginning, settle
from pellucid.learn.training.muon import Muon, hidden_kernels
from pellucid.learn.training.not_finite import first_not_finite, weights_not_finite
from pellucid.learn.training.processes import Team, led
from pellucid.learn.training.run_folder import RunFolder
from pellucid.learn.training.schedule import rate_at
from pellucid.learn.training.state import State, weights_hash
from pellucid.learn.training.stop_request import StopRequest
from pellucid.learn.training.subject import subject_of
from pellucid.learn.training.sums import PASSES, layer_sums, measured_peak

CHANCE = 6
"""The stream of random numbers that processes beside the first draw from; earlier ones are for batches."""


def train(job: Job) -> Outcome:
    """Starts the run, or goes on with it."""
    folder = RunFolder(job.run)
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it says what the table says
    with folder.locked():
        setting = settle(job, folder)
        saved, more = beginning(job, folder, setting["database"])  # first: what it refuses leaves no folder behind
        notes = [f"{note}: the run goes on, but not with the same bits" for note in folder.begin(job.recipe, setting)]
        if saved is not None and saved.get("step", 0) >= job.recipe.steps:
            figures = saved.get("figures")
            return Outcome("was finished", saved["step"], weights_hash(saved), figures and figures_from(figures))
        folder.go_on(setting, 0 if saved is None else saved.get("step", 0))
        with StopRequest() as stop, led(job.processes, _follow, (job, setting)) as team:
            return Training(team, job, setting, saved).go(stop, [*notes, *more])


def _follow(team: Team, what: tuple[Job, dict[str, Any]]) -> None:
    """What the other processes do: the same steps, unwatched."""
    job, setting = what
    saved, _ = beginning(job, RunFolder(job.run), setting["database"])
    Training(team, replace(job, callbacks=()), setting, saved).go(StopRequest(), ())


class Training:
    """One process's part of a run."""

    def __init__(self, team: Team, job: Job, setting: dict[str, Any], saved: dict[str, Any] | None) -> None:
        keep_freed_memory()
        torch.set_num_threads(setting["threads"])
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        self.fabric = Fabric(
            accelerator="auto" if team.ranks == 1 else "cpu",
            devices=1,
            precision=precisions.FABRIC_NAMES[setting["precision"]],  # type: ignore[arg-type]
        )
        self.team, self.recipe, self.setting, self.folder = team, job.recipe, setting, RunFolder(job.run)
        self.text = recipe_to_text(job.recipe)
        self.subject = subject_of(job.recipe, job.database, job.run)
        self.state = self._begin(saved)
        self.weights = [w for w in self.state.network.parameters() if w.requires_grad]
        self.network = self.fabric.setup_module(self.state.network)
        self.loss = on_torch(self.subject.loss) if setting["engine"] == "torch" else self.subject.loss
        self.watchers, self.callbacks = job.callbacks, list[Callback]()  # all of them, and those that have started
        self.operations = 0  # for one sample
        self.interval = Interval(self.state.step)
        self.prefetched: Prefetched[tuple[Tensor, Tensor]] | None = None
        self.figures: Figures | None = None

    def _begin(self, saved: dict[str, Any] | None) -> State:
        torch.manual_seed(self.recipe.seed)
        network = build_network(self.recipe.network.name, self.recipe.network.settings)
        network.to(self.fabric.device).train()
        if self.setting["engine"] == "pellucid":
            accelerate(network)
        else:
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        choice, kernels = self.recipe.optimiser, hidden_kernels(network) if self.recipe.optimiser.muon else []
        theirs = {id(w) for w in kernels}
        learned = [w for w in network.parameters() if w.requires_grad and id(w) not in theirs]
        betas, decay = (choice.beta1, choice.beta2), choice.weight_decay
        optimiser: torch.optim.Optimizer
        if self.setting["engine"] == "torch":
            optimiser = torch.optim.AdamW(learned, choice.rate, betas, weight_decay=decay, fused=True)
        else:
            optimiser = AdamW(learned, choice.rate, betas, weight_decay=decay)
        muon = Muon(kernels, choice.rate, choice.muon) if kernels else None
        state = State(network, optimiser, MovingAverage(network, self.recipe.average), muon)
        if saved is not None and "step" in saved:
            state.restore(saved)
        elif saved is not None:
            state.begin_from(saved["average"])
        return state

    def _start(self, notes: Sequence[str]) -> None:
        """Tells the callbacks what begins."""
        device, precision = self.fabric.device, self.setting["precision"]
        sample = self.subject.sample().to(device)
        start = Start(
            folder=self.folder,
            recipe=self.recipe,
            step=self.state.step,
            layers=layer_sums(self.state.network, sample),
            precision=precision,
            device=_threads(self.setting["threads"]) if device.type == "cpu" else str(device),
            peak=measured_peak(precisions.DTYPES[precision], device) * self.team.ranks,
            crops=self.subject.crops,
            notes=notes,
        )
        self.operations = 2 * PASSES * sum(layer.multiply_adds for layer in start.layers)
        self.folder.cut_log(self.state.step or -1)  # step 0 is validated again
        for callback in self.watchers:
            callback.started(start)
            self.callbacks.append(callback)

    def go(self, stop: StopRequest, notes: Sequence[str]) -> Outcome:
        """Steps until the end, or until asked to stop."""
        try:
            if self.team.rank == 0:
                self._start(notes)
            return self._outcome(self._steps(stop))
        finally:
            for callback in self.callbacks:
                callback.ended()

    def _steps(self, stop: StopRequest) -> Literal["finished", "stopped"]:
        if self.state.step == 0:
            self._validate()
        saved_at, saved_step = time.monotonic(), self.state.step
        with Prefetched(self.subject.batches(self.team.rank, self.team.ranks), self.state.step) as prefetched:
            self.interval, self.prefetched = Interval(self.state.step), prefetched
            while self.state.step < self.recipe.steps:
                stopping = self._step(*next(prefetched), stop.asked)
                step, last = self.state.step, self.state.step == self.recipe.steps
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
                    return "stopped"
        return "finished"

    def _step(self, x: Tensor, target: Tensor, asked: bool) -> bool:
        """One step of gradient descent. Whether to stop after it: all processes hear that the first was asked to.

        Numbers that are not finite stop the run before they reach the weights.
        """
        if self.team.rank:  # the first one's random state is saved, the others' are functions of (seed, step)
            torch.manual_seed(int(bits(self.recipe.seed, CHANCE, self.state.step, self.team.rank)[0]) >> 1)
        x, target = x.to(self.fabric.device), target.to(self.fabric.device)
        choice = self.recipe.optimiser
        rate = rate_at(self.state.step, self.recipe.steps, choice)
        self.state.set_rate(rate)
        loss = self.loss(self.network(x), target)
        self.fabric.backward(loss)
        value, stopping = self.team.mean(self.weights, float(loss.detach()), float(asked))
        length = self.state.gradient_length()
        if not math.isfinite(length) or not math.isfinite(value):
            self._stop_not_finite(x, target, value)
        self.state.advance(min(1.0, choice.clip / (length + 1e-6)) if choice.clip else 1.0)
        self.interval.add(len(x) * self.team.ranks, value, length, rate)
        return stopping > 0

    def _stop_not_finite(self, x: Tensor, target: Tensor, loss: float) -> NoReturn:
        """Repeats the step to find the layer, since shortening has already spread NaN over all gradients."""
        self.state.network.zero_grad(set_to_none=True)
        self.fabric.backward(self.loss(self.network(x), target))
        with self.fabric.autocast():
            where = first_not_finite(self.state.network, x)
        raise self._not_finite(self.state.step + 1, where, f"loss {loss}")

    def _not_finite(self, step: int, where: str, seen: str | None = None) -> NotFiniteError:
        good, _ = newest_good(self.folder.checkpoints)
        where_good = "none yet" if good is None else f"step {good['step']} in {self.folder.checkpoints}"
        return NotFiniteError(
            f"numbers stopped being finite in step {step}, first in {where}",
            seen=seen,
            hint=f"try a smaller optimiser.rate; the last good checkpoint: {where_good}",
        )

    def _report(self, waited: float) -> None:
        report = self.interval.report(self.state.step, self.operations, waited)
        self.interval = Interval(self.state.step)
        for callback in self.callbacks:
            callback.reported(report)

    def _validate(self) -> None:
        self.team.check(self.weights)
        if self.team.rank:
            return
        begun = time.perf_counter()
        self.figures = self.subject.validate(self.state.average.network)
        for callback in self.callbacks:
            callback.validated(self.state.step, self.figures, self.state.average.network)
        shut = rectifiers(self.state.average.network, self.subject.sample(PICTURES).to(self.fabric.device))
        for callback in self.callbacks if shut.layers else ():
            callback.counted(self.state.step, shut)
        self._pause(time.perf_counter() - begun)

    def _save(self) -> None:
        if self.team.rank:
            return
        begun = time.perf_counter()
        where = weights_not_finite(self.state.network)
        if where is not None:
            raise self._not_finite(self.state.step, where)
        figures = None if self.figures is None else asdict(self.figures)
        origin = {"recipe": self.text, "database": self.subject.fingerprint, "figures": figures}
        write_checkpoint(self.folder.checkpoints, self.state.to_dict() | origin)
        for callback in self.callbacks:
            callback.saved(self.state.step)
        self._pause(time.perf_counter() - begun)

    def _pause(self, seconds: float) -> None:
        """Speed and waiting are measured over the time of steps."""
        self.interval.pause(seconds)
        if self.prefetched is not None:
            self.prefetched.pause(seconds)

    def _outcome(self, ending: Literal["finished", "stopped"]) -> Outcome:
        return Outcome(ending, self.state.step, weights_hash(self.state.to_dict()), self.figures)


def _threads(n: int) -> str:
    return "1 thread" if n == 1 else f"{n} threads"
