"""Runs of convolutions in bfloat16 on matrix tiles as two torch operators, for what torch.autocast asks of a processor.

    pellucid::tiles            (x, weights, biases, geometry, relu, slopes, keep) -> y and, for gradients, the map
                               before each layer and the mask of each
    pellucid::tiles_backward   gradients of x, weights, biases and slopes

x comes in any float type and y is bfloat16, (n, c, h, w) in torch's channels_last; parameters and their gradients are
float32, and so are sums. Maps inside a run stay in the engine's layout (`on_tiles`). Masks say what was positive before
an activation; a slope that is learned needs the map that it made as well and, where it is zero, what it took: that
layer is computed again. A gradient of a gradient is refused.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pellucid.learn.layers import on_tiles
from pellucid.learn.layers.convolutions import gradients_follow, refuse, refuse_many
from pellucid.learn.layers.layer import SMALLEST_SLOPE, Layer, layers_of


def tiles(
    x: Tensor,
    weights: list[Tensor],
    biases: list[Tensor],
    geometry: list[int],
    relu: list[bool],
    slopes: list[Tensor],
) -> Tensor:
    """The map after the last layer."""
    keep = gradients_follow(x, *weights, *biases, *slopes)
    return tiles_forward(x, weights, biases, geometry, relu, slopes, keep)[0]


@torch.library.custom_op(
    "pellucid::tiles",
    mutates_args=(),
    schema="(Tensor x, Tensor[] weights, Tensor[] biases, int[] geometry, bool[] relu, Tensor[] slopes, bool keep)"
    " -> Tensor[]",
)
def tiles_forward(x, weights, biases, geometry, relu, slopes, keep):
    size = on_tiles.size_of(x)
    maps = [on_tiles.to_tiles(x)]
    masks: list[Tensor] = []
    for layer in layers_of(weights, biases, geometry, relu, slopes):
        out, mask = on_tiles.forward(layer, maps[-1], size)
        maps, masks = ([*maps, out], [*masks, mask]) if keep else ([out], [])
    y = on_tiles.from_tiles(maps[-1], size, len(weights[-1]))
    return [y, *maps[: _kept(slopes)], *masks] if keep else [y]


def _kept(slopes: list[Tensor]) -> int:
    """How many maps are kept: what each layer reads, and what the last slopes gave."""
    return len(slopes) + (len(slopes[-1]) > 0)


@tiles_forward.register_fake
def _(x, weights, biases, geometry, relu, slopes, keep):
    size = on_tiles.size_of(x)
    n, h, w = size
    y = x.new_empty((n, h, w, len(weights[-1])), dtype=torch.bfloat16).permute(0, 3, 1, 2)
    if not keep:
        return [y]
    channels = [x.shape[1], *map(len, weights)][: _kept(slopes)]
    maps = [x.new_empty(on_tiles.map_length(size, c), dtype=torch.bfloat16) for c in channels]
    layers = layers_of(weights, biases, geometry, relu, slopes)
    lengths = [on_tiles.mask_length(size, len(layer.weight)) if layer.active else 0 for layer in layers]
    return [y, *maps, *(x.new_empty(length, dtype=torch.int16) for length in lengths)]


@torch.library.custom_op(
    "pellucid::tiles_backward",
    mutates_args=(),
    schema="(Tensor gradient, Tensor[] maps, Tensor[] masks, Tensor[] weights, Tensor[] biases, int[] geometry,"
    " bool[] relu, Tensor[] slopes, bool[] learned, bool x_wanted) -> Tensor[]",
)
def tiles_backward(gradient, maps, masks, weights, biases, geometry, relu, slopes, learned, x_wanted):
    """The gradients of x in bfloat16 (empty when unwanted), of all weights, of all biases (empty where there are none)
    and of all slopes (empty where they are not learned)."""
    size = on_tiles.size_of(gradient)
    layers = layers_of(weights, biases, geometry, relu, slopes)
    activations = [
        _Activation(layer, maps[k], maps[k + 1] if k + 1 < len(maps) else None, masks[k], learned[k], size)
        for k, layer in enumerate(layers)
    ]
    of_weights: list[Tensor] = []
    of_biases: list[Tensor] = []
    flowing, last = on_tiles.to_tiles(gradient), activations[-1]
    if last.layer.active:
        on_tiles.back_through(last.layer, last.mask, flowing, last.shown(), last.sums, size)
    for k in range(len(layers) - 1, -1, -1):
        of_weight, of_bias = on_tiles.back_to_weights(layers[k], maps[k], flowing, size)
        of_weights.insert(0, of_weight)
        of_biases.insert(0, of_bias)
        before = activations[k - 1] if k and layers[k - 1].active else None
        if before is not None:
            shown = before.shown()
            flowing = on_tiles.back_to_data(layers[k], flowing, before.layer, before.mask, shown, before.sums, size)
        elif k or x_wanted:
            flowing = on_tiles.back_to_data(layers[k], flowing, None, None, None, None, size)
    of_x = on_tiles.from_tiles(flowing, size, weights[0].shape[1]) if x_wanted else gradient.new_empty(0)
    return [of_x, *of_weights, *of_biases, *(activation.of_slope() for activation in activations)]


class _Activation:
    """What the way back through a layer's activation needs, and where the sums for its slope arrive."""

    def __init__(
        self, layer: Layer, into: Tensor, out: Tensor | None, mask: Tensor, learned: bool, size: on_tiles.Size
    ) -> None:
        self.layer, self.into, self.out, self.mask, self.size = layer, into, out, mask, size
        self.sums = torch.empty(len(layer.weight)) if learned and len(layer.slope) else None
        self.hides = self.sums is not None and float(layer.slope.abs().min()) < SMALLEST_SLOPE

    def shown(self) -> Tensor | None:
        if self.sums is None:
            return None
        return on_tiles.forward(self.layer.bare(), self.into, self.size)[0] if self.hides else self.out

    def of_slope(self) -> Tensor:
        return self.layer.slope.new_empty(0) if self.sums is None else self.layer.of_slope(self.sums, self.hides)


@tiles_backward.register_fake
def _(gradient, maps, masks, weights, biases, geometry, relu, slopes, learned, x_wanted):
    n, _, h, w = gradient.shape
    of_x = gradient.new_empty((n, h, w, weights[0].shape[1]), dtype=torch.bfloat16).permute(0, 3, 1, 2)
    of_slopes = [s.new_empty(s.shape if wanted else 0) for s, wanted in zip(slopes, learned, strict=True)]
    return [
        of_x if x_wanted else gradient.new_empty(0),
        *(p.new_empty(p.shape) for p in [*weights, *biases]),
        *of_slopes,
    ]


# ---- autograd


def _remember(ctx, inputs, output) -> None:
    x, weights, biases, ctx.geometry, ctx.relu, slopes, _ = inputs
    ctx.biased, ctx.dtype, ctx.kept = [len(bias) > 0 for bias in biases], x.dtype, _kept(slopes)
    ctx.set_materialize_grads(False)
    ctx.mark_non_differentiable(*output[1:])
    ctx.save_for_backward(*weights, *biases, *slopes, *output[1:])


def _differentiate(ctx, gradients):
    gradient, count = gradients[0], len(ctx.biased)
    nothing = [None] * count
    if gradient is None:
        return None, nothing, nothing, None, None, nothing, None
    refuse_many(gradient)
    saved = ctx.saved_tensors
    weights, biases, slopes = (list(saved[k * count : (k + 1) * count]) for k in range(3))
    maps, masks = list(saved[3 * count : 3 * count + ctx.kept]), list(saved[3 * count + ctx.kept :])
    x_wanted, learned = ctx.needs_input_grad[0], list(ctx.needs_input_grad[5])
    of_x, *rest = tiles_backward(
        gradient, maps, masks, weights, biases, list(ctx.geometry), list(ctx.relu), slopes, learned, x_wanted
    )
    of_weights, of_biases, of_slopes = (rest[k * count : (k + 1) * count] for k in range(3))
    of_biases = [g if has else None for g, has in zip(of_biases, ctx.biased, strict=True)]
    of_slopes = [g if wanted else None for g, wanted in zip(of_slopes, learned, strict=True)]
    return of_x.to(ctx.dtype) if x_wanted else None, of_weights, of_biases, None, None, of_slopes, None


tiles_forward.register_autograd(_differentiate, setup_context=_remember)
tiles_backward.register_autograd(refuse)
