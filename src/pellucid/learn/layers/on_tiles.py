"""A layer in bfloat16 on matrix tiles, forward and backward, as `on_engine` in float32.

Between layers a map is a flat tensor of bfloat16 in the engine's own layout, and a mask a flat tensor of int16 with a
bit for each value. Weights, biases, slopes and their gradients are float32.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pellucid import _engine
from pellucid.learn.layers.layer import Geometry, Layer

Size = tuple[int, int, int]
"""n, h, w: the same for all maps of a run."""


@torch.compiler.assume_constant_result
def present() -> bool:
    """Whether the processor has tiles, or a test asked for their emulation."""
    return _engine.isa().startswith("amx")


def takes(geometry: Geometry, weight: Tensor) -> bool:
    """3x3 and 1x1 kernels of float32 on a processor that keep the map's size."""
    kernel, k = tuple(weight.shape[2:]), weight.shape[2]
    same_size = geometry == Geometry((1, 1), (k // 2, k // 2), (1, 1), 1)
    return kernel in {(1, 1), (3, 3)} and same_size and weight.dtype == torch.float32 and weight.device.type == "cpu"


def size_of(x: Tensor) -> Size:
    n, _, h, w = x.shape
    return n, h, w


def map_length(size: Size, channels: int) -> int:
    return _engine.training_tile_sizes(size, channels)[0]


def mask_length(size: Size, channels: int) -> int:
    return _engine.training_tile_sizes(size, channels)[1]


def to_tiles(x: Tensor) -> Tensor:
    """(n, c, h, w) of any float type -> a map."""
    dense, out = x.detach().permute(0, 2, 3, 1), _map(size_of(x), x.shape[1])
    if dense.dtype == torch.float32 and dense.is_contiguous():  # rounded on the way
        _engine.training_floats_to_tiles(dense.numpy(), _bits(out), _threads())
    else:
        _engine.training_to_tiles(_bits(dense.to(torch.bfloat16).contiguous()), _bits(out), _threads())
    return out


def from_tiles(maps: Tensor, size: Size, channels: int) -> Tensor:
    """A map -> (n, c, h, w) of bfloat16, dense as (n, h, w, c)."""
    n, h, w = size
    dense = _memory(n * h * w * channels).view(torch.bfloat16).reshape(n, h, w, channels)
    _engine.training_from_tiles(_bits(maps), _bits(dense), _threads())
    turned = dense.permute(0, 3, 1, 2)
    own = torch.empty(0, dtype=torch.bfloat16)  # no view: autograd lets what an operator gave be changed in place then
    return own.set_(turned.untyped_storage(), turned.storage_offset(), turned.shape, turned.stride())


def forward(layer: Layer, x: Tensor, size: Size) -> tuple[Tensor, Tensor]:
    """The map after the layer and its mask, which is empty without an activation."""
    channels = len(layer.weight)
    out, mask = _map(size, channels), _memory(mask_length(size, channels) if layer.active else 0)
    _engine.training_tile_forward(
        _bits(x),
        size,
        _numbers(layer.weight),
        _numbers(layer.bias) if len(layer.bias) else None,
        layer.relu,
        _slopes(layer),
        _bits(mask) if layer.active else None,
        _bits(out),
        _threads(),
    )
    return out, mask


def back_through(
    layer: Layer, mask: Tensor, gradient: Tensor, shown: Tensor | None, sums: Tensor | None, size: Size
) -> None:
    """Makes the gradient of what the layer gave that of its sums, in place. `sums`, a value for each channel, gets
    those of gradient times `shown` where the mask has no bit."""
    _engine.training_tile_back_through(
        _bits(gradient),
        size,
        len(layer.weight),
        _bits(mask),
        _slopes(layer),
        None if shown is None else _bits(shown),
        None if sums is None else sums.numpy(),
        _threads(),
    )


def back_to_weights(layer: Layer, x: Tensor, gradient: Tensor, size: Size) -> tuple[Tensor, Tensor]:
    """The gradients of weight and bias, from that of the sums."""
    of_weight, of_bias = torch.empty(layer.weight.shape), torch.empty(layer.bias.shape)
    bias = of_bias.numpy() if len(of_bias) else None
    _engine.training_tile_backward_weights(_bits(x), _bits(gradient), size, of_weight.numpy(), bias, _threads())
    return of_weight, of_bias


def back_to_data(
    layer: Layer,
    gradient: Tensor,
    before: Layer | None,
    mask: Tensor | None,
    shown: Tensor | None,
    sums: Tensor | None,
    size: Size,
) -> Tensor:
    """The gradient of the layer's input; with a layer before, on through its activation, as `back_through`."""
    out = _map(size, layer.weight.shape[1])
    _engine.training_tile_backward_data(
        _bits(gradient),
        size,
        _numbers(layer.weight),
        before is not None and before.relu,
        None if mask is None else _bits(mask),
        None if before is None else _slopes(before),
        None if shown is None else _bits(shown),
        None if sums is None else sums.numpy(),
        _bits(out),
        _threads(),
    )
    return out


def _threads() -> int:
    return torch.get_num_threads()


def _memory(numbers: int) -> Tensor:
    """Of 16 bits each, from what earlier steps gave back."""
    return torch.from_numpy(_engine.training_empty(((numbers + 1) // 2,)).view(np.int16))[:numbers]


def _map(size: Size, channels: int) -> Tensor:
    return _memory(map_length(size, channels)).view(torch.bfloat16)


def _bits(x: Tensor) -> np.ndarray:
    return x.view(torch.int16).numpy()


def _numbers(x: Tensor) -> np.ndarray:
    return x.detach().float().contiguous().numpy()


def _slopes(layer: Layer) -> np.ndarray | None:
    return _numbers(layer.slope.expand(len(layer.weight))) if len(layer.slope) else None
