"""A layer on torch's own kernels, forward and backward: what `on_engine` does, for every other device and type."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from pellucid.learn.layers.layer import Layer


def forward(layer: Layer, x: Tensor) -> Tensor:
    x = F.conv2d(x, layer.weight, layer.bias if len(layer.bias) else None, *layer.geometry)
    if len(layer.slope):
        x = F.prelu(x, layer.slope)
    return laid_out(x.relu() if layer.relu else x)


def back_through(layer: Layer, shown: Tensor, gradient: Tensor, sums: Tensor | None) -> Tensor:
    """As torch does it, to what is no number too: a gradient of infinity stays away where the slope is zero."""
    if sums is not None:
        sums.copy_(torch.where(shown > 0, 0, gradient * shown).sum((0, 2, 3)))
    if layer.relu:
        return torch.ops.aten.threshold_backward(gradient, shown, 0)
    return torch.where(shown > 0, gradient, gradient * layer.slope.reshape(1, -1, 1, 1))


def back_to_weights(layer: Layer, x: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor]:
    biased = len(layer.bias) > 0
    _, of_weight, of_bias = _backward(layer, x, gradient, (False, True, biased))
    return of_weight.contiguous(), of_bias if biased else x.new_empty(0)


def back_to_data(
    layer: Layer, x: Tensor, gradient: Tensor, before: Layer | None, shown: Tensor | None, sums: Tensor | None
) -> Tensor:
    of_x, _, _ = _backward(layer, x, gradient, (True, False, False))
    if before is not None and shown is not None:
        of_x = back_through(before, shown, of_x, sums)
    return laid_out(of_x)


def _backward(layer: Layer, x: Tensor, gradient: Tensor, wanted: tuple[bool, bool, bool]) -> tuple[Tensor, ...]:
    (stride, padding, dilation, groups), weight = layer.geometry, layer.weight
    return torch.ops.aten.convolution_backward(
        gradient, x, weight, [len(weight)], stride, padding, dilation, False, (0, 0), groups, wanted
    )


def laid_out(x: Tensor) -> Tensor:
    """The same values, dense as (n, h, w, c)."""
    return x.contiguous(memory_format=torch.channels_last)
