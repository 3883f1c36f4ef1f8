"""[E3, E5] Gradients back to the pixels: which pixels of the receptive field count, and what excites a unit.

The effective field is the size of the gradient of one output pixel with respect to every input pixel, averaged over
random inputs: usually a bell much narrower than the theoretical box. Guided gradients let only what excites pass each
rectifier on the way back, which makes the pattern that a unit sees readable.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pellucid.errors import UsageError, unknown_name


@dataclass(frozen=True)
class EffectiveField:
    """`weight` is (h, w), sums to 1; `deviation` its spread (y, x); `box` (y0, y1, x0, x1) holds all that counts."""

    weight: np.ndarray
    deviation: tuple[float, float]
    box: tuple[int, int, int, int]


def effective_field(network: nn.Module, channels: int, side: int, samples: int = 8, seed: int = 0) -> EffectiveField:
    """[E5] Of the middle pixel of the network's output (n, c, h, w), for inputs of side x side pixels."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(samples, channels, side, side, generator=generator).requires_grad_()
    was_training = network.training
    try:
        y = network.eval()(x)
        if y.ndim != 4:
            raise UsageError("the answer has no places, so its field is the whole picture", seen=tuple(y.shape))
        signs = torch.randn(y.shape[:2], generator=generator)
        centre = y[:, :, y.shape[2] // 2, y.shape[3] // 2]
        (gradient,) = torch.autograd.grad((centre * signs).sum(), x)
    finally:
        network.train(was_training)
    weight = gradient.double().square().sum(dim=1).mean(dim=0).sqrt().numpy()  # (h, w)
    if not weight.any():
        raise UsageError("no pixel counts: the gradient is zero everywhere")
    weight = weight / weight.sum()
    rows, columns = np.flatnonzero(weight.any(axis=1)), np.flatnonzero(weight.any(axis=0))
    box = int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])
    return EffectiveField(weight, (_spread(weight.sum(axis=1)), _spread(weight.sum(axis=0))), box)


def _spread(p: np.ndarray) -> float:
    at = np.arange(len(p))
    mean = p @ at
    return float(np.sqrt(p @ (at - mean) ** 2))


def _only_what_excites(module: nn.Module, into: Any, out: Any) -> tuple[Tensor]:
    return (into[0].clamp(min=0),)


def guided_gradients(network: nn.Module, x: Tensor, layer: str, unit: int) -> np.ndarray:
    """[E3] The input's guided gradient of the strongest place of one unit (channel) of a layer. (n, c, h, w)

    Rectifiers must be modules (`nn.ReLU`); those that are called as functions pass gradients as they are.
    """
    copied = copy.deepcopy(network).eval()
    known = dict(copied.named_modules())
    if layer not in known:
        raise unknown_name("layer", layer, [name for name in known if name])
    for module in known.values():
        if isinstance(module, nn.ReLU):
            module.inplace = False
            module.register_full_backward_hook(_only_what_excites)
    kept: list[Tensor] = []
    known[layer].register_forward_hook(lambda _, inputs, output: kept.append(output))
    x = x.detach().clone().requires_grad_()
    copied(x)
    maps = kept[0].flatten(2) if kept[0].ndim == 4 else kept[0][..., None]  # (n, units, positions)
    if not 0 <= unit < maps.shape[1]:
        raise UsageError(f"layer {layer!r} has no such unit", seen=unit, expected=f"0 to {maps.shape[1] - 1}")
    maps[:, unit].max(dim=1).values.sum().backward()
    assert x.grad is not None
    return x.grad.numpy()
