"""`Conv2d` and `ConvolutionChain`: torch's `Conv2d` and `Sequential`, with the same parameters, names and arguments,
whose convolutions run on the engine.

They compute in float32 or, where autocast asks for bfloat16 and the processor has matrix tiles, on those (`tiles`).
They stand aside, and are then nothing but torch's modules, while a module is exported, under any other autocast, for
single pictures without a batch, for tensors that are shapes only, inside forward-mode derivatives and torch.func's
transforms, and for what the engine does not take. A chain does the same when someone listens to the layers inside it
with hooks.
"""

from __future__ import annotations

from enum import Enum, auto

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import forward_ad

from pellucid.errors import TrainingError
from pellucid.learn.layers import on_tiles
from pellucid.learn.layers.collapsible import CollapsibleConv2d
from pellucid.learn.layers.convolutions import Geometry, convolutions, runs_of
from pellucid.learn.layers.tiles import tiles

ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.PReLU)
TAKEN_BY_TILES = (torch.float32, torch.bfloat16, torch.float16)


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


class Way(Enum):
    """Where convolutions compute."""

    ENGINE = auto()
    TILES = auto()
    TORCH = auto()


def _way(x: Tensor) -> Way:
    kind = x.device.type
    if torch.compiler.is_exporting() or x.dim() != 4 or x.numel() == 0 or kind == "meta" or transformed():
        return Way.TORCH
    if not torch.is_autocast_enabled(kind):
        return Way.ENGINE
    to_bf16 = kind == "cpu" and torch.get_autocast_dtype(kind) == torch.bfloat16
    return Way.TILES if to_bf16 and x.dtype in TAKEN_BY_TILES and on_tiles.present() else Way.TORCH


def transformed() -> bool:
    """Whether derivatives are taken in a way for which our operators have no rule."""
    if torch.compiler.is_compiling():
        return False
    return forward_ad._current_level >= 0 or torch._C._functorch.peek_interpreter_stack() is not None


def _goes(layer: nn.Conv2d, way: Way) -> bool:
    """Whether a layer computes this way."""
    if way is not Way.TILES:
        return way is Way.ENGINE and why_not(layer) is None
    geometry = _geometry(layer)
    return geometry is not None and on_tiles.takes(geometry, layer.weight) and not _pads_before(layer)


def _run(layers: list[nn.Module], x: Tensor, way: Way) -> Tensor:
    """Convolutions, each with or without an activation after it, as one operation."""
    weights: list[Tensor] = []
    biases: list[Tensor] = []
    numbers: list[int] = []
    relu: list[bool] = []
    slopes: list[Tensor] = []
    channels = x.shape[1]
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            geometry = _geometry(layer)
            assert geometry is not None
            if channels != layer.in_channels:
                raise TrainingError(
                    "a convolution's input has the wrong number of channels", seen=channels, expected=layer.in_channels
                )
            channels = layer.out_channels
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
    if way is Way.TILES:
        return tiles(x, weights, biases, numbers, relu, slopes)
    return convolutions(x, weights, biases, numbers, relu, slopes)[-1]


class Conv2d(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        way = _way(x)
        if not _goes(self, way):
            return super().forward(x)
        if _pads_before(self):
            x = F.pad(x, self._reversed_padding_repeated_twice, mode=self.padding_mode)
        return _run([self], x, way)


class CollapsibleConv2dOnEngine(CollapsibleConv2d):
    """A collapsible convolution on the engine."""

    def forward(self, x: Tensor) -> Tensor:
        way = _way(x)
        return _run([self], x, way) if _goes(self, way) else super().forward(x)


class ConvolutionChain(nn.Sequential):
    """Its runs of convolution and activation are one operation each, and no other layer sees the maps between."""

    def forward(self, x: Tensor) -> Tensor:
        return in_order(list(self), x)


def in_order(layers: list[nn.Module], x: Tensor) -> Tensor:
    """One layer after the other, every run of convolutions on the engine and activations as one operation."""
    way = _way(x)
    runs = runs_of([kind_of(layer, way) for layer in layers])
    done = 0
    for begin, end in () if any(map(_listened_to, layers)) else runs:
        for layer in layers[done:begin]:
            x = layer(x)
        x = _run(layers[begin:end], x, way)
        done = end
    for layer in layers[done:]:
        x = layer(x)
    return x


def kind_of(layer: nn.Module, way: Way = Way.ENGINE) -> str:
    """`conv`, `activation` or `other`."""
    if type(layer) is Conv2d or type(layer) is CollapsibleConv2dOnEngine:
        return "conv" if _goes(layer, way) and not _pads_before(layer) else "other"
    return "activation" if type(layer) in ACTIVATIONS else "other"


def _listened_to(layer: nn.Module) -> bool:
    return bool(layer._forward_hooks or layer._forward_pre_hooks or layer._backward_hooks or layer._backward_pre_hooks)
