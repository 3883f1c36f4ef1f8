"""The sums of a training: multiply-adds of a network, and the multiply-adds that this machine can do. [C7]

So a run can be compared with what is possible. A step costs three forward passes: forward, the gradients of what flows,
the gradients of the weights.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import Tensor, nn

PASSES = 3
COUNTED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.Linear)


@dataclass(frozen=True)
class LayerSum:
    name: str
    kind: str
    shape: tuple[int, ...]  # of the weights
    parameters: int
    multiply_adds: int


def layer_sums(network: nn.Module, x: Tensor) -> list[LayerSum]:
    """What each layer of `network` holds and does for the input `x`, in the order in which they run.

    Activations, additions and reorderings count as nothing: beside convolutions they are.
    """
    sums: list[LayerSum] = []

    def hook(name: str):
        def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            parameters = sum(p.numel() for p in layer.parameters(recurse=False))
            weight = getattr(layer, "weight", None)
            shape = tuple(weight.shape) if isinstance(weight, Tensor) else ()
            if parameters:
                sums.append(LayerSum(name, type(layer).__name__, shape, parameters, _sum(layer, inputs[0], output)))

        return count

    hooks = [layer.register_forward_hook(hook(name)) for name, layer in network.named_modules()]
    was_training = network.training
    try:
        with torch.no_grad():
            network.eval()(x)
    finally:
        network.train(was_training)
        for handle in hooks:
            handle.remove()
    return sums


def multiply_adds(network: nn.Module, x: Tensor) -> int:
    """Multiply-adds of one forward pass over `x`; operations are twice as many."""
    return sum(layer.multiply_adds for layer in layer_sums(network, x))


def _sum(layer: nn.Module, x: Tensor, y: Tensor) -> int:
    if not isinstance(layer, COUNTED):
        return 0
    if isinstance(layer, nn.ConvTranspose2d):  # each input element meets all weights of its channel
        return x.numel() * layer.weight[0].numel()
    return y.numel() * layer.weight[0].numel()  # each output element meets all weights of its channel


def measured_peak(dtype: torch.dtype, device: torch.device, *, n: int = 1024, repeats: int = 5) -> float:
    """Operations per second of a large matrix product, the best of a few: what a convolution could reach."""
    a = torch.ones(n, n, dtype=dtype, device=device)
    best = 0.0
    for _ in range(repeats):
        start = time.perf_counter()
        float((a @ a)[0, 0])  # reading a number waits for an accelerator
        best = max(best, 2 * n**3 / (time.perf_counter() - start))
    return best
