"""[A15] Every gradient checked numerically: backpropagation against central differences, in float64.

The loss is the output times fixed random numbers, summed, so that every output takes part with its own weight. Tensors
of fewer than 100,000 numbers in all are checked everywhere; else 200 places of each are drawn. Where a step crosses the
corner of a rectifier the two rightly differ: such places are tried again with steps a hundred times smaller.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

EVERYWHERE_BELOW, SAMPLES = 100_000, 200
STEP, SMALLER_STEP = 1e-5, 1e-7
TOLERANCE = 1e-4
FLOOR = 1e-4
"""Gradients of a tensor are compared with its largest one, or with this part of the largest of all."""

Progress = Callable[[int, int, str], None]
"""Told (places done, places in all, the tensor's name)."""


@dataclass(frozen=True)
class TensorCheck:
    """`error` is the largest difference, as a part of the tensor's largest gradient; it was found at `worst`."""

    name: str
    size: int
    checked: int
    error: float
    worst: tuple[int, ...]
    analytic: float
    numeric: float


@dataclass(frozen=True)
class GradientCheck:
    tensors: tuple[TensorCheck, ...]

    @property
    def worst(self) -> TensorCheck:
        return max(self.tensors, key=lambda tensor: tensor.error)

    @property
    def agrees(self) -> bool:
        return self.worst.error <= TOLERANCE


def check_gradients(
    network: nn.Module, x: Tensor, samples: int = SAMPLES, progress: Progress | None = None
) -> GradientCheck:
    """[A15] The gradients of all parameters and of the input; the network is left in float64, without gradients."""
    network = network.double().train()
    for module in network.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.eval()  # a mask drawn anew would be another function each time
    x = x.double().requires_grad_()
    tensors = {"input": x, **{name: p for name, p in network.named_parameters() if p.requires_grad}}
    generator = torch.Generator().manual_seed(0)
    loss = _Loss(network, x, generator)
    gradients = dict(zip(tensors, torch.autograd.grad(loss(), list(tensors.values()), allow_unused=True), strict=True))
    largest = max(float(g.abs().max()) for g in gradients.values() if g is not None)
    everywhere = sum(t.numel() for t in tensors.values()) < EVERYWHERE_BELOW
    places = {name: _places(t.numel(), everywhere, samples, generator) for name, t in tensors.items()}
    total, done, found = sum(map(len, places.values())), 0, []
    with torch.no_grad():
        for name, tensor in tensors.items():
            gradient = gradients[name]
            gradient = torch.zeros_like(tensor) if gradient is None else gradient
            check = _Check(loss, tensor, gradient, max(float(gradient.abs().max()), FLOOR * largest, 1e-300))
            for place in places[name]:
                if progress and done % 16 == 0:
                    progress(done, total, name)
                check.at(int(place))
                done += 1
            found.append(check.result(name, len(places[name])))
    if progress:
        progress(total, total, "")
    return GradientCheck(tuple(found))


def _places(size: int, everywhere: bool, samples: int, generator: torch.Generator) -> list[int]:
    if everywhere or size <= samples:
        return list(range(size))
    if size > 1 << 20:  # a permutation of millions to draw a few from would be waste; repeats are rare
        return torch.randint(size, (samples,), generator=generator).tolist()
    return torch.randperm(size, generator=generator)[:samples].tolist()


class _Loss:
    """The output, or all outputs, times fixed random numbers."""

    def __init__(self, network: nn.Module, x: Tensor, generator: torch.Generator) -> None:
        self.network, self.x = network, x
        with torch.no_grad():
            self.weights = [torch.randn(y.shape, dtype=y.dtype, generator=generator) for y in self._outputs()]

    def __call__(self) -> Tensor:
        return torch.stack([(y * w).sum() for y, w in zip(self._outputs(), self.weights, strict=True)]).sum()

    def _outputs(self) -> list[Tensor]:
        y: Any = self.network(self.x)
        return [y] if isinstance(y, Tensor) else [part for part in y if isinstance(part, Tensor)]


class _Check:
    """One tensor, place by place; remembers the worst."""

    def __init__(self, loss: _Loss, tensor: Tensor, gradient: Tensor, scale: float) -> None:
        self.loss, self.tensor, self.scale = loss, tensor, scale
        self.flat, self.gradient = tensor.detach().view(-1), gradient.reshape(-1)
        self.error, self.place, self.numeric = -1.0, 0, 0.0

    def at(self, place: int) -> None:
        analytic = float(self.gradient[place])
        numeric = self._slope(place, STEP)
        if abs(numeric - analytic) > TOLERANCE * self.scale:
            again = self._slope(place, SMALLER_STEP)
            numeric = min(numeric, again, key=lambda value: abs(value - analytic))
        error = abs(numeric - analytic) / self.scale
        if not error <= self.error:  # NaN is the worst of all
            self.error, self.place, self.numeric = error if error == error else float("inf"), place, numeric

    def _slope(self, place: int, step: float) -> float:
        before = float(self.flat[place])
        self.flat[place] = before + step
        above = float(self.loss())
        self.flat[place] = before - step
        below = float(self.loss())
        self.flat[place] = before
        return (above - below) / (2 * step)

    def result(self, name: str, checked: int) -> TensorCheck:
        shape, rest, worst = self.tensor.shape, self.place, []
        for side in reversed(shape):
            worst.append(rest % side)
            rest //= side
        analytic = float(self.gradient[self.place])
        index = tuple(reversed(worst))
        return TensorCheck(name, self.tensor.numel(), checked, self.error, index, analytic, self.numeric)
