"""Runs of convolutions as two torch operators: on the engine in float32 on a processor, else on torch's own kernels.

    pellucid::convolutions            (x, weights, biases, geometry, relu) -> the map after each layer
    pellucid::convolutions_backward   gradients of x, weights and biases

Maps lie in memory as (n, h, w, c), torch's channels_last, in buffers that steps hand to each other. A run knows that
nobody but its next layer reads a map inside it, so the ReLU's mask is applied where a gradient is stored. The operators
carry fake and autograd registrations; a gradient of a gradient is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pellucid import _engine
from pellucid.errors import TrainingError

NUMBERS = 7
"""How many integers describe one layer in `geometry`."""


class Geometry(NamedTuple):
    """One layer's: zeros around the map, the same at opposite edges."""

    stride: tuple[int, int]  # y x, as all pairs
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int

    def numbers(self) -> list[int]:
        return [*self.stride, *self.padding, *self.dilation, self.groups]

    def output_size(self, size: Sequence[int], kernel: Sequence[int]) -> list[int]:
        terms = zip(size, kernel, self.stride, self.padding, self.dilation, strict=True)
        return [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in terms]


def _geometries(numbers: Sequence[int]) -> list[Geometry]:
    rows = (numbers[i : i + NUMBERS] for i in range(0, len(numbers), NUMBERS))
    return [Geometry((a, b), (c, d), (e, f), g) for a, b, c, d, e, f, g in rows]


# ---- forward


@torch.library.custom_op(
    "pellucid::convolutions",
    mutates_args=(),
    schema="(Tensor x, Tensor[] weights, Tensor[] biases, int[] geometry, bool[] relu) -> Tensor[]",
)
def convolutions(x, weights, biases, geometry, relu):
    """The map after each layer. A layer without bias gives an empty one."""
    if not _on_engine(x, *weights, *biases):
        return _by_torch(x, weights, biases, geometry, relu)
    threads, maps, into = torch.get_num_threads(), [], _channels_last(x)
    for weight, bias, layer, positive in zip(weights, biases, _geometries(geometry), relu, strict=True):
        h, w = layer.output_size(into.shape[1:3], weight.shape[2:])
        out = _engine.training_empty((len(into), max(h, 0), max(w, 0), len(weight)))
        _engine.training_forward(into, _array(weight), _array_or_none(bias), layer.numbers(), positive, out, threads)
        maps.append(_tensor(out))
        into = out
    return maps


def _by_torch(
    x: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor], geometry: Sequence[int], relu: Sequence[bool]
) -> list[Tensor]:
    maps: list[Tensor] = []
    for weight, bias, layer, positive in zip(weights, biases, _geometries(geometry), relu, strict=True):
        x = F.conv2d(x, weight, bias if len(bias) else None, *layer)
        x = _laid_out(x.relu() if positive else x)
        maps.append(x)
    return maps


@convolutions.register_fake
def _(x, weights, biases, geometry, relu):
    maps, size = [], x.shape[2:]
    for weight, layer in zip(weights, _geometries(geometry), strict=True):
        size = layer.output_size(size, weight.shape[2:])
        maps.append(x.new_empty((x.shape[0], *size, weight.shape[0])).permute(0, 3, 1, 2))
    return maps


# ---- backward


@torch.library.custom_op(
    "pellucid::convolutions_backward",
    mutates_args=(),
    schema="(Tensor gradient, Tensor x, Tensor[] maps, Tensor[] weights, bool[] biased, int[] geometry, bool[] relu,"
    " bool x_wanted) -> Tensor[]",
)
def convolutions_backward(gradient, x, maps, weights, biased, geometry, relu, x_wanted):
    """The gradients of x (empty when unwanted), of all weights, of all biases (empty where there are none)."""
    if relu[-1]:
        gradient = torch.ops.aten.threshold_backward(gradient, maps[-1], 0)
    back = _engine_layer if _on_engine(gradient, x, *weights) else _torch_layer
    of_weights: list[Tensor] = []
    of_biases: list[Tensor] = []
    for k, layer in reversed(list(enumerate(_geometries(geometry)))):
        into, mask = (maps[k - 1], relu[k - 1]) if k else (x, False)
        wanted = bool(k) or x_wanted
        gradient, of_weight, of_bias = back(gradient, into, weights[k], biased[k], layer, mask, wanted)
        of_weights.insert(0, of_weight)
        of_biases.insert(0, of_bias)
    return [gradient, *of_weights, *of_biases]


def _engine_layer(
    gradient: Tensor, x: Tensor, weight: Tensor, biased: bool, layer: Geometry, mask: bool, wanted: bool
) -> tuple[Tensor, Tensor, Tensor]:
    threads, numbers = torch.get_num_threads(), layer.numbers()
    into, of_map = _channels_last(x), _channels_last(gradient)
    of_weight = torch.empty(weight.shape)
    of_bias = torch.empty(len(weight) if biased else 0)
    _engine.training_backward_weights(into, of_map, numbers, of_weight.numpy(), _array_or_none(of_bias), threads)
    if not wanted:
        return x.new_empty(0), of_weight, of_bias
    out = _engine.training_empty(into.shape)
    _engine.training_backward_data(of_map, _array(weight), numbers, into if mask else None, out, threads)
    return _tensor(out), of_weight, of_bias


def _torch_layer(
    gradient: Tensor, x: Tensor, weight: Tensor, biased: bool, layer: Geometry, mask: bool, wanted: bool
) -> tuple[Tensor, Tensor, Tensor]:
    stride, padding, dilation, groups = layer
    of_x, of_weight, of_bias = torch.ops.aten.convolution_backward(
        gradient, x, weight, [len(weight)], stride, padding, dilation, False, (0, 0), groups, (wanted, True, biased)
    )
    if wanted and mask:
        of_x = torch.ops.aten.threshold_backward(of_x, x, 0)
    of_x = _laid_out(of_x) if wanted else x.new_empty(0)
    return of_x, of_weight.contiguous(), of_bias if biased else x.new_empty(0)


@convolutions_backward.register_fake
def _(gradient, x, maps, weights, biased, geometry, relu, x_wanted):
    n, c, h, w = x.shape
    of_x = x.new_empty((n, h, w, c)).permute(0, 3, 1, 2) if x_wanted else x.new_empty(0)
    of_biases = [w.new_empty(w.shape[0] if has else 0) for w, has in zip(weights, biased, strict=True)]
    return [of_x, *(w.new_empty(w.shape) for w in weights), *of_biases]


# ---- autograd


def _remember(ctx, inputs, output) -> None:
    x, weights, biases, ctx.geometry, ctx.relu = inputs
    ctx.biased = [len(bias) > 0 for bias in biases]
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(x, *weights, *output)


def _differentiate(ctx, gradients):
    *inner, gradient = gradients
    count = len(ctx.biased)
    nothing = [None] * count
    if any(g is not None for g in inner):
        raise TrainingError("a map inside a run of convolutions has no gradient", hint="run the layers one by one")
    if gradient is None:
        return None, nothing, nothing, None, None
    x, *saved = ctx.saved_tensors
    weights, maps = saved[:count], saved[count:]
    x_wanted = ctx.needs_input_grad[0]
    of_x, *rest = convolutions_backward(
        gradient, x, maps, weights, ctx.biased, list(ctx.geometry), list(ctx.relu), x_wanted
    )
    of_biases = [g if has else None for g, has in zip(rest[count:], ctx.biased, strict=True)]
    return of_x if x_wanted else None, rest[:count], of_biases, None, None


def _refuse(ctx, *gradients):
    raise TrainingError(
        "a gradient of a gradient through convolutions on the engine",
        expected="first gradients only",
        hint="leave this network on torch: do not call pellucid.learn.accelerate",
    )


convolutions.register_autograd(_differentiate, setup_context=_remember)
convolutions_backward.register_autograd(_refuse)


# ---- tensors and arrays


def _on_engine(*tensors: Tensor) -> bool:
    return all(t.device.type == "cpu" and t.dtype == torch.float32 for t in tensors)


def _laid_out(x: Tensor) -> Tensor:
    """The same values, dense as (n, h, w, c)."""
    return x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)


def _channels_last(x: Tensor) -> np.ndarray:
    return x.detach().permute(0, 2, 3, 1).contiguous().numpy()  # (n, c, h, w) -> (n, h, w, c)


def _array(x: Tensor) -> np.ndarray:
    return x.detach().contiguous().numpy()


def _array_or_none(x: Tensor) -> np.ndarray | None:
    return _array(x) if len(x) else None


def _tensor(maps: np.ndarray) -> Tensor:
    return torch.from_numpy(maps).permute(0, 3, 1, 2)  # (n, h, w, c) -> (n, c, h, w)


def runs_of(kinds: Sequence[str]) -> Iterator[tuple[int, int]]:
    """[begin, end) of the longest runs `conv [relu] conv [relu] ...`, in order; what lies between belongs to none."""
    begin: int | None = None
    for k, kind in enumerate([*kinds, "other"]):
        goes_on = kind == "conv" or (kind == "relu" and begin is not None and kinds[k - 1] == "conv")
        if begin is not None and not goes_on:
            yield begin, k
            begin = None
        if begin is None and kind == "conv":
            begin = k
