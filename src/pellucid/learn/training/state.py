"""Everything that a run's future depends on, as one dictionary of tensors and plain values.

Position in the data needs no place of its own: order and augmentation are functions of (seed, step).
"""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pellucid.learn.training.adam import AdamW, gradient_length
from pellucid.learn.training.average import MovingAverage
from pellucid.learn.training.muon import Muon


@dataclass
class State:
    """`step` counts the steps that have been made."""

    network: nn.Module
    optimiser: torch.optim.Optimizer
    average: MovingAverage
    kernels: Muon | None = None  # moves what the optimiser does not hold
    step: int = 0

    def set_rate(self, rate: float) -> None:
        for optimiser in (self.optimiser, self.kernels):
            for group in [] if optimiser is None else optimiser.param_groups:
                group["lr"] = rate

    def gradient_length(self) -> float:
        """The length of all gradients as one vector."""
        if isinstance(self.optimiser, AdamW):
            return gradient_length(self.network.parameters())
        return float(torch.nn.utils.get_total_norm(self._gradients(), foreach=True))

    def advance(self, gradient_factor: float) -> None:
        """One step of the optimiser, with all gradients times a factor, and of the average; gradients are forgotten."""
        self.step += 1
        if isinstance(self.optimiser, AdamW):
            self._in_one_pass(self.optimiser, gradient_factor)
        else:
            torch._foreach_mul_(self._gradients(), gradient_factor)
            self.optimiser.step()
            if self.kernels is not None:
                self.kernels.step()
            self.average.update(self.network, self.step)
        self.network.zero_grad(set_to_none=True)

    def _in_one_pass(self, optimiser: AdamW, gradient_factor: float) -> None:
        averages = dict(zip(self.network.parameters(), self.average.network.parameters(), strict=True))
        toward = 1 - self.average.decay(self.step)
        optimiser.step(gradient_factor=gradient_factor, averages=averages, toward=toward)
        if self.kernels is not None:
            self.kernels.step(gradient_factor=gradient_factor, averages=averages, toward=toward)
        for p, average in averages.items():
            if p.grad is None:  # the optimiser passed over it
                average.lerp_(p.detach(), toward)
        self.average.copy_unlearned(self.network)

    def _gradients(self) -> list[Tensor]:
        return [p.grad for p in self.network.parameters() if p.grad is not None]

    def to_dict(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "kernels": None if self.kernels is None else self.kernels.state_dict(),
            "random": _random_states(),
        }

    def restore(self, saved: dict[str, Any]) -> None:
        self.network.load_state_dict(saved["network"])
        self.average.network.load_state_dict(saved["average"])
        self.optimiser.load_state_dict(saved["optimiser"])
        if self.kernels is not None:
            self.kernels.load_state_dict(saved["kernels"])
        _set_random_states(saved["random"])
        self.step = saved["step"]

    def begin_from(self, weights: dict[str, Any]) -> None:
        """Takes weights alone: the run begins with them, at step 0. What they lack stays as it started."""
        for network in (self.network, self.average.network):
            network.load_state_dict(network.state_dict() | weights)


def weights_hash(state: dict[str, Any]) -> str:
    """SHA-256 over the names and bytes of the weights and of their average."""
    sha = hashlib.sha256()
    for part in ("network", "average"):
        for name, tensor in sorted(state[part].items()):
            sha.update(f"{part}.{name}\0".encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return sha.hexdigest()


def _random_states() -> dict[str, Any]:
    kind, keys, *rest = np.random.get_state()  # the global one, which a user's layer may draw from
    states: dict[str, Any] = {
        "torch": torch.get_rng_state(),
        "python": json.dumps(random.getstate()),
        "numpy": json.dumps([kind, np.asarray(keys).tolist(), *rest]),
    }
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state_all()
    return states


def _set_random_states(states: dict[str, Any]) -> None:
    torch.set_rng_state(states["torch"])
    version, keys, gauss = json.loads(states["python"])
    random.setstate((version, tuple(keys), gauss))
    kind, words, *rest = json.loads(states["numpy"])
    np.random.set_state((kind, np.array(words, np.uint32), *rest))
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(states["cuda"])
