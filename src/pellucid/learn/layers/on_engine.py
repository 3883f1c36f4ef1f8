"""A layer on the engine, forward and backward: float32 on a processor, maps dense as (n, h, w, c)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pellucid import _engine
from pellucid.learn.layers.layer import Layer


def takes(*tensors: Tensor) -> bool:
    return all(t.device.type == "cpu" and t.dtype == torch.float32 for t in tensors)


def forward(layer: Layer, x: Tensor) -> Tensor:
    into, weight = _channels_last(x), _array(layer.weight)
    h, w = layer.geometry.output_size(into.shape[1:3], weight.shape[2:])
    out = _engine.training_empty((len(into), max(h, 0), max(w, 0), len(weight)))
    bias, slopes = _array_or_none(layer.bias), _slopes(layer)
    _engine.training_forward(into, weight, bias, layer.geometry.numbers(), layer.relu, slopes, out, _threads())
    return _tensor(out)


def laid_out(x: Tensor) -> Tensor:
    """The same values, dense as (n, h, w, c)."""
    return _tensor(_channels_last(x))


def back_through(layer: Layer, shown: Tensor, gradient: Tensor, sums: Tensor | None) -> Tensor:
    """The gradient of what the layer's activation took. `shown` has the sign of that; `sums`, a value for each channel,
    gets those of gradient times `shown` where it is negative."""
    of_map, shown_map = _channels_last(gradient), _channels_last(shown)
    fresh = of_map.ctypes.data != gradient.data_ptr()  # a copy may be written over
    out = of_map if fresh else _engine.training_empty(of_map.shape)
    of_slopes = None if sums is None else sums.numpy()
    _engine.training_backward_activation(of_map, shown_map, _slopes(layer), of_slopes, out, _threads())
    return _tensor(out)


def back_to_weights(layer: Layer, x: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of weight and bias, from that of the sums."""
    of_weight, of_bias = torch.empty(layer.weight.shape), torch.empty(layer.bias.shape)
    _engine.training_backward_weights(
        _channels_last(x),
        _channels_last(gradient),
        layer.geometry.numbers(),
        of_weight.numpy(),
        _array_or_none(of_bias),
        _threads(),
    )
    return of_weight, of_bias


def back_to_data(
    layer: Layer, x: Tensor, gradient: Tensor, before: Layer | None, shown: Tensor | None, sums: Tensor | None
) -> Tensor:
    """The gradient of x, from that of the sums; with a layer before, on through its activation, as `back_through`."""
    n, c, h, w = x.shape
    out = _engine.training_empty((n, h, w, c))
    _engine.training_backward_data(
        _channels_last(gradient),
        _array(layer.weight),
        layer.geometry.numbers(),
        None if shown is None else _channels_last(shown),
        None if before is None else _slopes(before),
        None if sums is None else sums.numpy(),
        out,
        _threads(),
    )
    return _tensor(out)


def _threads() -> int:
    return torch.get_num_threads()


def _channels_last(x: Tensor) -> np.ndarray:
    """(n, c, h, w) -> (n, h, w, c), no copy if x lies so already."""
    x = x.detach()
    turned = x.permute(0, 2, 3, 1)
    if turned.is_contiguous() or not x.is_contiguous():
        return turned.contiguous().numpy()
    out = _engine.training_empty(tuple(turned.shape))
    _engine.training_channels_last(x.numpy(), out, _threads())
    return out


def _slopes(layer: Layer) -> np.ndarray | None:
    return _array(layer.slope.expand(len(layer.weight))) if len(layer.slope) else None


def _array(x: Tensor) -> np.ndarray:
    return x.detach().contiguous().numpy()


def _array_or_none(x: Tensor) -> np.ndarray | None:
    return _array(x) if len(x) else None


def _tensor(maps: np.ndarray) -> Tensor:
    """(n, h, w, c) -> (n, c, h, w), and no view: autograd lets what an operator gave be changed in place then."""
    return torch.from_numpy(maps.transpose(0, 3, 1, 2))
