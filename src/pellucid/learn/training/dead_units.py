"""Hidden units that have died: a rectifier that no picture opens passes no gradient, so nothing wakes its unit again.

They are counted at validations, so that a run says it by itself; `pellucid inspect RUN` shows which and where.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

MANY = 0.2
"""The share of dead units above which a run says something."""
PICTURES = 250
"""How many are shown, where a batch has as many."""


@dataclass(frozen=True)
class Rectified:
    """The units of one layer: how many there are, and how many of them no picture shown made fire."""

    layer: str
    units: int
    dead: int


@dataclass(frozen=True)
class Rectifiers:
    layers: Sequence[Rectified]
    pictures: int  # that were shown

    @property
    def units(self) -> int:
        return sum(layer.units for layer in self.layers)

    @property
    def dead(self) -> int:
        return sum(layer.dead for layer in self.layers)

    @property
    def many_dead(self) -> bool:
        return self.dead > MANY * self.units

    @property
    def words(self) -> str:
        worst = max(self.layers, key=lambda layer: layer.dead / layer.units)
        return (
            f"{self.dead} of {self.units} hidden units are dead, none of {self.pictures} pictures makes them fire;"
            f" most in {worst.layer} ({worst.dead} of {worst.units})"
        )


@torch.inference_mode()
def rectifiers(network: nn.Module, x: Tensor) -> Rectifiers:
    """What the ReLUs of a network in evaluation mode make of inputs (n, c, h, w).

    Only those that are modules are seen; other activations pass a gradient on both sides, so their units live on.
    Layers that are listened to compute one by one, so chains on the engine are seen too.
    """
    found: list[Rectified] = []

    def hook(name: str):
        def look(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            fires = (output > 0).transpose(0, 1).flatten(1).any(dim=1)  # (n, units, ...) -> (units)
            found.append(Rectified(name, len(fires), int((~fires).sum())))

        return look

    layers = [(name, layer) for name, layer in network.named_modules() if isinstance(layer, nn.ReLU)]
    hooks = [layer.register_forward_hook(hook(name)) for name, layer in layers]
    try:
        if hooks:
            network(x)
    finally:
        for handle in hooks:
            handle.remove()
    return Rectifiers(found, len(x))
