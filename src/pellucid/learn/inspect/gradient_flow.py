"""[E7] How large activations and gradients are through depth: vanishing, exploding, and what keeps them level.

Sizes are root mean squares. `gradient_flow` measures any network; `DEPTHS` are five stacks of the same width and depth
that differ in one thing each, so that the effect of normalisation, residuals and the activation can be seen apart.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from pellucid.inspect.gradient_views import Flow


def gradient_flow(network: nn.Module, x: Tensor, loss: Callable[[Tensor], Tensor] | None = None) -> list[Flow]:
    """[E7] Every layer with weights, as they run. The loss is half the sum of squares unless said."""
    seen: list[tuple[str, Tensor, Tensor]] = []

    def hook(name: str) -> Callable[..., Tensor]:
        def keep(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
            output.retain_grad()
            assert isinstance(layer.weight, Tensor)
            seen.append((name, layer.weight, output))
            return output.clone()  # what follows may work in place

        return keep

    layers = [(name, m) for name, m in network.named_modules() if isinstance(getattr(m, "weight", None), nn.Parameter)]
    layers = [(name, m) for name, m in layers if m.weight.ndim > 1]  # type: ignore[union-attr]
    hooks = [layer.register_forward_hook(hook(name)) for name, layer in layers]
    try:
        network.zero_grad()
        y = network(x)
        (loss(y) if loss else (y**2).sum() / 2).backward()
        return [Flow(name, _size(out.detach()), _size(out.grad), _size(weight.grad)) for name, weight, out in seen]
    finally:
        network.zero_grad()
        for handle in hooks:
            handle.remove()


def _size(x: Tensor | None) -> float:
    return 0.0 if x is None else float(x.detach().double().square().mean().sqrt())


class Residual(nn.Module):
    """What a block adds to its input."""

    def __init__(self, *block: nn.Module) -> None:
        super().__init__()
        self.block = nn.Sequential(*block)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.block(x)


def stack(kind: str, depth: int = 20, width: int = 64, seed: int = 0) -> nn.Sequential:
    """[E7] A stack of dense layers: weights of variance 1 / width, as initialisers before rectifiers had them."""
    torch.manual_seed(seed)
    return nn.Sequential(*(block for _ in range(depth) for block in DEPTHS[kind](width)))


def _dense(width: int) -> nn.Linear:
    layer = nn.Linear(width, width)
    nn.init.normal_(layer.weight, std=width**-0.5)
    nn.init.zeros_(layer.bias)
    return layer


def _he(width: int) -> nn.Linear:
    layer = _dense(width)
    with torch.no_grad():
        layer.weight *= 2**0.5
    return layer


DEPTHS: dict[str, Callable[[int], list[nn.Module]]] = {
    "sigmoid": lambda width: [_dense(width), nn.Sigmoid()],
    "plain": lambda width: [_dense(width), nn.ReLU()],
    "scaled": lambda width: [_he(width), nn.ReLU()],
    "norm": lambda width: [_dense(width), nn.BatchNorm1d(width), nn.ReLU()],
    "residual": lambda width: [Residual(nn.ReLU(), _dense(width))],
}
"""Sigmoid and ReLU, ReLU with He's initialisation, with batch norm, with residuals."""
