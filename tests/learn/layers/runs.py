"""Runs of convolutions and activations: as cases, as tensors, and in float64 as torch computes them and as
`pellucid.reference` does. Both give y, then the gradients of x, of the weights, of the biases and of the slopes.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pellucid.learn.layers.layer import Geometry, Layer
from pellucid.reference import activations as textbook
from pellucid.reference.convolution import conv, conv_backward_bias, conv_backward_data, conv_backward_weight

NOT_FINITE = [(x, dy) for x in (math.nan, math.inf, -math.inf, 0.0, -1.0, 1.0) for dy in (1.0, 0.0, math.inf, math.nan)]
"""What an activation takes, and the gradient of what it gives."""
CHANNELS = [(ic, 37 * ic % 131) for ic in range(1, 131)]
"""Every number from 1 to 130 once on either side."""
KINDS = ("weight", "bias", "slope")


@dataclass(frozen=True, repr=False)
class Case:
    n: int
    h: int
    w: int
    ic: int
    oc: int
    kernel: tuple[int, int] = (3, 3)
    stride: int = 1
    padding: int = 1
    dilation: int = 1
    groups: int = 1
    relu: bool = False
    slopes: tuple[float, float] | None = None  # from the first channel's to the last's; of one for all: twice the same
    bias: bool = True

    def __repr__(self) -> str:
        """What is not as usual."""
        place = f"{self.n} of {self.h}x{self.w}: " if self.n else ""
        others = (f" {f.name}={getattr(self, f.name)}" for f in fields(self)[5:] if getattr(self, f.name) != f.default)
        return f"{place}{self.ic} to {self.oc}{''.join(others)}"

    @property
    def geometry(self) -> Geometry:
        s, p, d = self.stride, self.padding, self.dilation
        return Geometry((s, s), (p, p), (d, d), self.groups)

    @property
    def slope(self) -> Tensor:
        if self.slopes is None:
            return torch.empty(0)
        first, last = self.slopes
        return torch.tensor([first]) if first == last else torch.linspace(first, last, self.oc)


def then(ic: int, oc: int, **others: Any) -> Case:
    """A layer on the map that another one gives."""
    return Case(0, 0, 0, ic, oc, **others)


def tensors(run: Sequence[Case], dtype: torch.dtype = torch.float32) -> tuple[Tensor, list[Layer], Tensor]:
    """The input, the layers, and the gradient of the output: float32 of numbers that `dtype` holds."""
    first, last = run[0], run[-1]
    random = torch.Generator().manual_seed(first.ic * 131 + last.oc)

    def made(*shape: int, by: float = 1.0) -> Tensor:
        return (torch.randn(shape, generator=random) * by).to(dtype).float()

    x, layers, size = made(first.n, first.ic, first.h, first.w), [], [first.h, first.w]
    for case in run:
        ic = case.ic // case.groups
        weight = made(case.oc, ic, *case.kernel, by=(2 / (ic * math.prod(case.kernel))) ** 0.5)
        bias = made(case.oc if case.bias else 0)
        layers.append(Layer(weight, bias, case.geometry, case.relu, case.slope.to(dtype).float()))
        size = case.geometry.output_size(size, case.kernel)
    return x, layers, made(first.n, last.oc, *size)


def by_torch(x: Tensor, layers: Sequence[Layer], gradient: Tensor) -> list[Tensor]:
    x, layers = leaves(x, layers, torch.float64)
    y = x
    for layer in layers:
        y = F.conv2d(y, layer.weight, layer.bias if len(layer.bias) else None, *layer.geometry)
        y = y.relu() if layer.relu else F.prelu(y, layer.slope) if len(layer.slope) else y
    return [y.detach(), *torch.autograd.grad(y, [x, *parameters(layers)], gradient.double())]


def by_reference(
    x: Tensor, layers: Sequence[Layer], gradient: Tensor, stored: Callable[[np.ndarray], np.ndarray] = np.asarray
) -> list[Tensor]:
    """`stored` is what memory makes of a map, and of the gradient of what a layer's activation took."""
    maps, sums = [_map(x)], []
    for layer in layers:
        bias = _array(layer.bias) if len(layer.bias) else None
        sums.append(conv(maps[-1], _array(layer.weight), bias, **_options(layer)))
        maps.append(stored(_activated(layer, sums[-1])))
    y, dy, found = maps.pop(), _map(gradient), {"weight": [], "bias": [], "slope": []}
    for layer, into, s in reversed(list(zip(layers, maps, sums, strict=True))):
        if len(layer.slope):
            found["slope"].append(textbook.prelu_backward_weight(dy, s, _array(layer.slope)))
        dy = stored(_back_through(layer, dy, s))
        found["weight"].append(conv_backward_weight(dy, into, tuple(layer.weight.shape[2:]), **_options(layer)))
        if len(layer.bias):
            found["bias"].append(conv_backward_bias(dy))
        dy = conv_backward_data(dy, _array(layer.weight), into.shape[1:3], **_options(layer))
    of_parameters = [gradient for of_kind in found.values() for gradient in reversed(of_kind)]
    return [torch.from_numpy(a) for a in (np.moveaxis(y, -1, 1), np.moveaxis(stored(dy), -1, 1), *of_parameters)]


def in_bfloat16(values: np.ndarray) -> np.ndarray:
    return torch.from_numpy(values).bfloat16().double().numpy()


def leaves(x: Tensor, layers: Sequence[Layer], dtype: torch.dtype = torch.float32) -> tuple[Tensor, list[Layer]]:
    """The same values, of which gradients can be asked."""

    def leaf(values: Tensor) -> Tensor:
        return values.detach().to(dtype, copy=True).requires_grad_()

    return leaf(x), [
        Layer(leaf(weight), leaf(bias), geometry, relu, leaf(slope)) for weight, bias, geometry, relu, slope in layers
    ]


def parameters(layers: Sequence[Layer]) -> list[Tensor]:
    """All weights, then the biases that there are, then the slopes."""
    return [p for kind in KINDS for layer in layers if len(p := getattr(layer, kind))]


def names(layers: Sequence[Layer]) -> list[str]:
    """Of what the oracles give."""
    kinds = [(kind, k) for kind in KINDS for k, layer in enumerate(layers) if len(getattr(layer, kind))]
    return ["y", "gradient of x", *(f"gradient of {kind} {k}" for kind, k in kinds)]


def operands(layers: Sequence[Layer]) -> tuple[list[Tensor], list[Tensor], list[int], list[bool], list[Tensor]]:
    """As our operators take them."""
    weights, biases, geometries, relu, slopes = map(list, zip(*layers, strict=True))
    return weights, biases, [number for g in geometries for number in g.numbers()], relu, slopes


def _activated(layer: Layer, s: np.ndarray) -> np.ndarray:
    if layer.relu:
        return textbook.relu(s)
    return textbook.prelu(s, _array(layer.slope)) if len(layer.slope) else s


def _back_through(layer: Layer, dy: np.ndarray, s: np.ndarray) -> np.ndarray:
    if layer.relu:
        return textbook.relu_backward_data(dy, s)
    return textbook.prelu_backward_data(dy, s, _array(layer.slope)) if len(layer.slope) else dy


def _options(layer: Layer) -> dict[str, Any]:
    return dict(layer.geometry._asdict())


def _array(values: Tensor) -> np.ndarray:
    return values.detach().double().numpy()


def _map(values: Tensor) -> np.ndarray:
    """(n, c, h, w) -> (n, h, w, c)."""
    return np.moveaxis(_array(values), 1, -1)
