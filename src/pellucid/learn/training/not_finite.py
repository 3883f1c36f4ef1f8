"""Which layer made the first NaN or infinity: what stopped a run, by name."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def first_not_finite(network: nn.Module, x: Tensor) -> str:
    """Says in words where numbers first stop being finite: input, weights, a layer's output, or a gradient.

    Runs `network` once more on `x`; gradients are looked at as the failed step left them, from the output backwards.
    """
    if not torch.isfinite(x).all():
        return "the input of the network"
    if (where := weights_not_finite(network)) is not None:
        return where
    found = _first_output(network, x)
    if found is not None:
        return f"the output of layer {found}"
    for name, weights in reversed(list(network.named_parameters())):
        if weights.grad is not None and not torch.isfinite(weights.grad).all():
            return f"the gradient of {name}"
    return "the loss"


def weights_not_finite(network: nn.Module) -> str | None:
    """Says which weights are not all finite, None where all are."""
    names = (name for name, weights in network.named_parameters() if not torch.isfinite(weights).all())
    name = next(names, None)
    return None if name is None else f"the weights {name}"


def _first_output(network: nn.Module, x: Tensor) -> str | None:
    found: list[str] = []

    def hook(name: str):
        def look(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            if not found and isinstance(output, Tensor) and not torch.isfinite(output).all():
                found.append(f"{name} ({type(layer).__name__})" if name else f"{type(layer).__name__}")

        return look

    hooks = [layer.register_forward_hook(hook(name)) for name, layer in network.named_modules()]
    try:
        with torch.no_grad():
            network(x)
    finally:
        for handle in hooks:
            handle.remove()
    return found[0] if found else None
