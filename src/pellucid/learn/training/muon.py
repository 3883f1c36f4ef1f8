"""Muon: steps for convolution kernels that turn every direction of a kernel by the same amount. [A13]

A kernel is read as a matrix, (oc, ic kh kw). Its averaged gradient U S V' becomes U V', by a polynomial of matrix
products (Newton and Schulz) instead of a decomposition, and the kernel moves along it: directions that the gradient
hardly shows learn as fast as those that it shows. After Jordan et al., Muon: an optimizer for hidden layers in neural
networks, 2024; the scale, with which one rate serves this and Adam, after Liu et al., Muon is scalable for LLM
training, 2025. Made for hidden layers: those that turn c channels into c channels. Adam has the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn

from pellucid.errors import TrainingError

MOMENTUM = 0.95
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the odd polynomial that brings singular values of 0.001 to 1 near 1 (0.7 to 1.2) in five rounds."""
ROUNDS = 5
LIKE_ADAM = 0.2
"""Root mean square of a step at rate 1, about that of Adam's."""


def hidden_kernels(network: nn.Module) -> list[nn.Parameter]:
    """The kernels that are learned and turn c channels into c channels."""
    return [p for p in network.parameters() if p.requires_grad and p.ndim == 4 and p.shape[0] == p.shape[1]]


def orthogonal(matrices: Tensor) -> Tensor:
    """(n, r, c) -> (n, r, c): each matrix with its singular values brought near one."""
    a, b, c = COEFFICIENTS
    x = matrices / (matrices.norm(dim=(1, 2), keepdim=True) + 1e-12)
    for _ in range(ROUNDS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x


class Muon(torch.optim.Optimizer):
    """`rate` is written by the schedule into the groups; `boost` times it is what the kernels move by."""

    def __init__(self, kernels: Iterable[nn.Parameter], rate: float, boost: float) -> None:
        super().__init__(kernels, {"lr": rate, "boost": boost})

    @torch.no_grad()
    def step(  # type: ignore[override]
        self,
        closure: None = None,
        *,
        gradient_factor: float = 1.0,
        averages: Mapping[nn.Parameter, Any] | None = None,
        toward: float = 0.0,
    ) -> None:
        """As the engine's AdamW: every gradient times a factor, and `averages` moved `toward` the new values."""
        if closure is not None:
            raise TrainingError("Muon calls no closure", hint="call backward before the step")
        moved: list[nn.Parameter] = []
        for group in self.param_groups:
            learned = [p for p in group["params"] if p.grad is not None]
            moved += learned
            for shape, alike in groupby(sorted(learned, key=lambda p: p.shape), key=lambda p: p.shape):
                kernels = list(alike)
                towards = orthogonal(torch.stack([self._direction(p, gradient_factor) for p in kernels]))
                length = group["lr"] * group["boost"] * LIKE_ADAM * max(towards.shape[1:]) ** 0.5
                for p, direction in zip(kernels, towards, strict=True):
                    p.add_(direction.reshape(shape), alpha=-length)
        for p in moved:
            average = (averages or {}).get(p)
            if average is not None:
                average.lerp_(p.detach(), toward)

    def _direction(self, p: nn.Parameter, gradient_factor: float) -> Tensor:
        """Nesterov's: the gradient, and the average of the gradients that holds it already. (oc, ic kh kw)"""
        state = self.state[p]
        if not state:
            state["momentum"] = torch.zeros_like(p)
        assert p.grad is not None
        gradient = p.grad * gradient_factor
        momentum = state["momentum"].mul_(MOMENTUM).add_(gradient)
        return gradient.add(momentum, alpha=MOMENTUM).flatten(1)
