"""Runs of convolutions as two torch operators: on the engine in float32 on a processor, else on torch's own kernels.

    pellucid::convolutions            (x, weights, biases, geometry, relu, slopes, keep) -> the map after each layer, or
                                      the last one alone, where no gradient will be asked for
    pellucid::convolutions_backward   gradients of x, weights, biases and slopes

Maps lie in memory as (n, h, w, c), torch's channels_last, in buffers that steps hand to each other. A run knows that
nobody but its next layer reads a map inside it, so the way back through an activation is taken where a gradient is
stored. No masks are kept: the map that an activation gave lies there for the next layer's weights, and says what it
took; where a slope hides that, the layer is computed again. The operators carry fake and autograd registrations; a
gradient of a gradient is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import ModuleType

import torch
from torch import Tensor

from pellucid.errors import TrainingError
from pellucid.learn.layers import on_engine, on_torch
from pellucid.learn.layers.layer import Geometry, Layer, geometries, layers_of

__all__ = ["Geometry", "convolutions", "convolutions_backward", "convolutions_forward", "refuse", "runs_of"]


def convolutions(
    x: Tensor,
    weights: list[Tensor],
    biases: list[Tensor],
    geometry: list[int],
    relu: list[bool],
    slopes: list[Tensor] | None = None,
) -> list[Tensor]:
    """The map after each layer; the last one alone where no gradient can be asked for.

    A layer without bias gives an empty one. Slopes of negative numbers, for each channel or one for all, are empty
    where the layer has none; left out, none has.
    """
    if slopes is None:
        slopes = [x.new_empty(0)] * len(weights)
    keep = gradients_follow(x, *weights, *biases, *slopes)
    return convolutions_forward(x, weights, biases, geometry, relu, slopes, keep)


def gradients_follow(*tensors: Tensor) -> bool:
    return torch.is_grad_enabled() and any(t.requires_grad for t in tensors)


@torch.library.custom_op(
    "pellucid::convolutions",
    mutates_args=(),
    schema="(Tensor x, Tensor[] weights, Tensor[] biases, int[] geometry, bool[] relu, Tensor[] slopes, bool keep)"
    " -> Tensor[]",
)
def convolutions_forward(x, weights, biases, geometry, relu, slopes, keep):
    kernels = on_engine if on_engine.takes(x, *weights, *biases, *slopes) else on_torch
    maps: list[Tensor] = []
    for layer in layers_of(weights, biases, geometry, relu, slopes):
        x = kernels.forward(layer, x)
        maps = [*maps, x] if keep else [x]
    return maps


@convolutions_forward.register_fake
def _(x, weights, biases, geometry, relu, slopes, keep):
    maps, size = [], x.shape[2:]
    for weight, layer in zip(weights, geometries(geometry), strict=True):
        size = layer.output_size(size, weight.shape[2:])
        maps.append(x.new_empty((x.shape[0], *size, weight.shape[0])).permute(0, 3, 1, 2))
    return maps if keep else maps[-1:]


@torch.library.custom_op(
    "pellucid::convolutions_backward",
    mutates_args=(),
    schema="(Tensor gradient, Tensor x, Tensor[] maps, Tensor[] weights, Tensor[] biases, int[] geometry, bool[] relu,"
    " Tensor[] slopes, bool[] learned, bool x_wanted) -> Tensor[]",
)
def convolutions_backward(gradient, x, maps, weights, biases, geometry, relu, slopes, learned, x_wanted):
    """The gradients of x (empty when unwanted), of all weights, of all biases (empty where there are none) and of all
    slopes (empty where they are not learned). The last map is not looked at where no activation made it."""
    kernels = on_engine if on_engine.takes(gradient, x, *weights, *biases, *slopes) else on_torch
    layers, inputs = layers_of(weights, biases, geometry, relu, slopes), [x, *maps[:-1]]
    activations = [_Activation(*parts) for parts in zip(layers, inputs, maps, learned, strict=True)]
    of_weights: list[Tensor] = []
    of_biases: list[Tensor] = []
    last = activations[-1]
    if last.layer.active:
        gradient = kernels.back_through(last.layer, last.shown(kernels), gradient, last.sums)
    else:
        gradient = kernels.laid_out(gradient)  # once: weights and data both read it
    for k in range(len(layers) - 1, -1, -1):
        of_weight, of_bias = kernels.back_to_weights(layers[k], inputs[k], gradient)
        of_weights.insert(0, of_weight)
        of_biases.insert(0, of_bias)
        before = activations[k - 1] if k and layers[k - 1].active else None
        if before is not None:
            shown = before.shown(kernels)
            gradient = kernels.back_to_data(layers[k], inputs[k], gradient, before.layer, shown, before.sums)
        elif k or x_wanted:
            gradient = kernels.back_to_data(layers[k], inputs[k], gradient, None, None, None)
    of_slopes = [activation.of_slope() for activation in activations]
    return [gradient if x_wanted else x.new_empty(0), *of_weights, *of_biases, *of_slopes]


class _Activation:
    """What the way back through a layer's activation needs, and where the sums for its slope arrive."""

    def __init__(self, layer: Layer, into: Tensor, out: Tensor, learned: bool) -> None:
        self.layer, self.into, self.out, self.hides = layer, into, out, layer.hides
        self.sums = layer.weight.new_empty(len(layer.weight)) if learned and len(layer.slope) else None

    def shown(self, kernels: ModuleType) -> Tensor:
        return kernels.forward(self.layer.bare(), self.into) if self.hides else self.out

    def of_slope(self) -> Tensor:
        return self.layer.slope.new_empty(0) if self.sums is None else self.layer.of_slope(self.sums, self.hides)


@convolutions_backward.register_fake
def _(gradient, x, maps, weights, biases, geometry, relu, slopes, learned, x_wanted):
    n, c, h, w = x.shape
    of_x = x.new_empty((n, h, w, c)).permute(0, 3, 1, 2) if x_wanted else x.new_empty(0)
    of_slopes = [s.new_empty(s.shape if wanted else 0) for s, wanted in zip(slopes, learned, strict=True)]
    return [of_x, *(p.new_empty(p.shape) for p in [*weights, *biases]), *of_slopes]


# ---- autograd


def _remember(ctx, inputs, output) -> None:
    x, weights, biases, ctx.geometry, ctx.relu, slopes, _ = inputs
    ctx.biased = [len(bias) > 0 for bias in biases]
    ctx.set_materialize_grads(False)
    active = ctx.relu[-1] or len(slopes[-1]) > 0  # else what was given may be changed in place
    ctx.save_for_backward(x, *weights, *biases, *slopes, *output[:-1], *output[-1:] if active else ())


def _differentiate(ctx, gradients):
    *inner, gradient = gradients
    count = len(ctx.biased)
    nothing = [None] * count
    if any(g is not None for g in inner):
        raise TrainingError("a map inside a run of convolutions has no gradient", hint="run the layers one by one")
    if gradient is None:
        return None, nothing, nothing, None, None, nothing, None
    refuse_many(gradient)
    x, *saved = ctx.saved_tensors
    weights, biases, slopes, maps = (saved[k * count : (k + 1) * count] for k in range(4))
    maps += [x.new_empty(0)] * (count - len(maps))
    x_wanted, learned = ctx.needs_input_grad[0], list(ctx.needs_input_grad[5])
    of_x, *rest = convolutions_backward(
        gradient, x, maps, weights, biases, list(ctx.geometry), list(ctx.relu), slopes, learned, x_wanted
    )
    of_weights, of_biases, of_slopes = (rest[k * count : (k + 1) * count] for k in range(3))
    of_biases = [g if has else None for g, has in zip(of_biases, ctx.biased, strict=True)]
    of_slopes = [g if wanted else None for g, wanted in zip(of_slopes, learned, strict=True)]
    return of_x if x_wanted else None, of_weights, of_biases, None, None, of_slopes, None


def refuse(ctx, *gradients):
    """The way back through a way back."""
    raise TrainingError(
        "a gradient of a gradient through convolutions on the engine",
        expected="first gradients only",
        hint="leave this network on torch: do not call pellucid.learn.accelerate",
    )


def refuse_many(gradient: Tensor) -> None:
    """Gradients that come side by side, as is_grads_batched asks for."""
    if torch._C._functorch.is_legacy_batchedtensor(gradient):
        raise TrainingError(
            "several gradients at once through convolutions on the engine",
            expected="one after the other",
            hint="leave out is_grads_batched or vectorize, or this network on torch",
        )


convolutions_forward.register_autograd(_differentiate, setup_context=_remember)
convolutions_backward.register_autograd(refuse)


# ---- which layers make a run


def runs_of(kinds: Sequence[str]) -> Iterator[tuple[int, int]]:
    """[begin, end) of the longest runs of `conv`, each with or without an `activation` after it, in order; what lies
    between belongs to none."""
    begin: int | None = None
    for k, kind in enumerate([*kinds, "other"]):
        goes_on = kind == "conv" or (kind == "activation" and begin is not None and kinds[k - 1] == "conv")
        if begin is not None and not goes_on:
            yield begin, k
            begin = None
        if begin is None and kind == "conv":
            begin = k
