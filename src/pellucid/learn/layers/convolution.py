"""`Conv2d` and `ConvolutionChain`: torch's `Conv2d` and `Sequential`, with the same parameters, names and arguments,
whose convolutions run on the engine.

They stand aside, and are then nothing but torch's modules, while a module is exported, under autocast, for single
pictures without a batch, and for what the engine does not take. A chain does the same when someone listens to the
layers inside it with hooks.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pellucid.learn.layers.collapsible import CollapsibleConv2d
from pellucid.learn.layers.convolutions import Geometry, convolutions, runs_of

ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.PReLU)


def why_not(layer: nn.Conv2d) -> str | None:
    """What keeps a convolution on torch; None when the engine takes it."""
    geometry = _geometry(layer)
    if geometry is None:
        return "it pads opposite edges differently"
    reach = [d * (k - 1) for d, k in zip(layer.dilation, layer.kernel_size, strict=True)]
    if any(p > r for p, r in zip(geometry.padding, reach, strict=True)):
        return "it pads more than its kernel reaches"
    return None


def _geometry(layer: nn.Conv2d) -> Geometry | None:
    (sy, sx), (dy, dx), (kh, kw) = layer.stride, layer.dilation, layer.kernel_size
    padding = (0, 0) if _pads_before(layer) else layer.padding
    if padding == "same":
        if dy * (kh - 1) % 2 or dx * (kw - 1) % 2:
            return None
        padding = (dy * (kh - 1) // 2, dx * (kw - 1) // 2)
    elif isinstance(padding, str):
        padding = (0, 0)
    return Geometry((sy, sx), (padding[0], padding[1]), (dy, dx), layer.groups)


def _pads_before(layer: nn.Conv2d) -> bool:
    """Whether pixels are put around the map first, because they are not zero."""
    return layer.padding_mode != "zeros"


def _stands_aside(x: Tensor) -> bool:
    autocast = torch.is_autocast_enabled(x.device.type)
    return torch.compiler.is_exporting() or autocast or x.dim() != 4 or x.numel() == 0


def _run(layers: list[nn.Module], x: Tensor) -> Tensor:
    """Convolutions, each with or without an activation after it, as one operation."""
    weights, biases, numbers, relu, slopes = [], [], list[int](), list[bool](), list[Tensor]()
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            geometry = _geometry(layer)
            assert geometry is not None
            weights.append(layer.kernel() if isinstance(layer, CollapsibleConv2d) else layer.weight)
            biases.append(layer.weight.new_empty(0) if layer.bias is None else layer.bias)
            numbers += geometry.numbers()
            relu.append(False)
            slopes.append(layer.weight.new_empty(0))
        elif isinstance(layer, nn.PReLU):
            slopes[-1] = layer.weight
        elif isinstance(layer, nn.LeakyReLU):
            slopes[-1] = weights[-1].new_full((1,), layer.negative_slope)
        else:
            relu[-1] = True
    return convolutions(x, weights, biases, numbers, relu, slopes)[-1]


class Conv2d(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        if _stands_aside(x) or why_not(self):
            return super().forward(x)
        if _pads_before(self):
            x = F.pad(x, self._reversed_padding_repeated_twice, mode=self.padding_mode)
        return _run([self], x)


class CollapsibleConv2dOnEngine(CollapsibleConv2d):
    """A collapsible convolution on the engine."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if _stands_aside(x) else _run([self], x)


class ConvolutionChain(nn.Sequential):
    """Its runs of convolution and activation are one operation each, and no other layer sees the maps between."""

    def forward(self, x: Tensor) -> Tensor:
        return in_order(list(self), x)


def in_order(layers: list[nn.Module], x: Tensor) -> Tensor:
    """One layer after the other, every run of convolutions on the engine and activations as one operation."""
    runs = runs_of([kind_of(layer) for layer in layers])
    done = 0
    for begin, end in () if _stands_aside(x) or any(map(_listened_to, layers)) else runs:
        for layer in layers[done:begin]:
            x = layer(x)
        x = _run(layers[begin:end], x)
        done = end
    for layer in layers[done:]:
        x = layer(x)
    return x


def kind_of(layer: nn.Module) -> str:
    """`conv`, `activation` or `other`."""
    if type(layer) is Conv2d or type(layer) is CollapsibleConv2dOnEngine:
        return "conv" if why_not(layer) is None and not _pads_before(layer) else "other"
    return "activation" if type(layer) in ACTIVATIONS else "other"


def _listened_to(layer: nn.Module) -> bool:
    return bool(layer._forward_hooks or layer._forward_pre_hooks or layer._backward_hooks or layer._backward_pre_hooks)
