"""[E3] From a unit back to the pixels: gradients in which rectifiers let only some of what comes back pass.

    gradient        as it is: where a rectifier was shut, nothing passes
    deconvolution   what is negative does not pass, open or shut (Zeiler and Fergus, 2013)
    guided          neither passes (Springenberg et al., 2014): what remains excites, all the way

The last is the most readable. All three tell what this unit saw in this picture, not what it sees in general.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pellucid.errors import UsageError, unknown_name
from pellucid.learn.inspect.as_module import AsModule, as_module
from pellucid.network import Network

WAYS = ("gradient", "deconvolution", "guided")


def guided_gradients(
    network: nn.Module,
    x: Tensor,
    layer: str,
    unit: int,
    places: Sequence[tuple[int, int]] | None = None,
    way: str = "guided",
) -> np.ndarray:
    """[E3] The input's gradient of one unit (channel) of a layer, (n, c, h, w): at its strongest place in each picture,
    or at `places`, (y, x) for each.

    Rectifiers must be modules (`nn.ReLU`); those that are called as functions pass gradients as they are.
    """
    if way not in WAYS:
        raise unknown_name("way back", way, WAYS)
    copied = copy.deepcopy(network).eval()
    for module in copied.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
            if way != "gradient":
                module.register_full_backward_hook(_deconvolved if way == "deconvolution" else _guided)
    x = x.detach().clone().requires_grad_()
    maps = _map_of(copied, x, layer)
    if not 0 <= unit < maps.shape[1]:
        raise UsageError(f"layer {layer!r} has no such unit", seen=unit, expected=f"0 to {maps.shape[1] - 1}")
    numbers = maps[:, unit]  # (n, h, w)
    chosen = (
        numbers.flatten(1).amax(1)
        if places is None
        else torch.stack([numbers[i, y, x] for i, (y, x) in enumerate(places)])
    )
    chosen.sum().backward()
    assert x.grad is not None
    return x.grad.numpy()


def back_from(net: Network, layer: str) -> Callable[[np.ndarray, int, tuple[int, int]], np.ndarray]:
    """[E3] What `strongest_regions` asks for the gradients of its regions."""
    module = as_module(net)

    def back(x: np.ndarray, unit: int, place: tuple[int, int]) -> np.ndarray:
        given = torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))
        return guided_gradients(module, given, layer, unit, [place])[0].transpose(1, 2, 0)

    return back


def _map_of(network: nn.Module, x: Tensor, layer: str) -> Tensor:
    """(n, units, h, w); of modules made from a graph nothing beyond the layer is computed."""
    if isinstance(network, AsModule):
        return network.maps(x, [layer])[0]
    known = dict(network.named_modules())
    if layer not in known:
        raise unknown_name("layer", layer, [name for name in known if name])
    kept: list[Tensor] = []
    known[layer].register_forward_hook(lambda _, inputs, output: kept.append(output))
    network(x)
    return kept[0] if kept[0].ndim == 4 else kept[0].flatten(1)[..., None, None]


def _guided(module: nn.Module, into: Any, out: Any) -> tuple[Tensor]:
    return (into[0].clamp(min=0),)


def _deconvolved(module: nn.Module, into: Any, out: Any) -> tuple[Tensor]:
    return (out[0].clamp(min=0),)
