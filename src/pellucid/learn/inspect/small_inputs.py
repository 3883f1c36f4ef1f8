"""The networks of the registries with inputs as small as they take, for what needs many passes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pellucid.errors import UsageError, unknown_name
from pellucid.learn.networks import DENOISERS, NETWORKS, build_network
from pellucid.learn.networks.documented import DOCUMENTED

SIDES = (8, 16, 28, 32, 64, 96, 128, 224)
BATCH = 2
FEWEST = 8
"""Numbers per channel that a batch norm should see: of two it makes plus and minus one, whatever they are."""


def small_case(name: str) -> tuple[nn.Module, Tensor]:
    """A network by its name in either registry, with random weights, and a random input (2, c, h, w); seeded."""
    ours = NETWORKS | DENOISERS
    if name not in ours and name not in DOCUMENTED:
        raise unknown_name("network", name, [*ours, *DOCUMENTED])
    torch.manual_seed(0)
    network = build_network(name) if name in ours else DOCUMENTED[name].build()
    if name in ours:
        first = next((p.shape[1] for p in network.parameters() if p.ndim == 4), 1)
        channels = getattr(network, "inputs", first)
        sizes = [(channels, side, side) for side in SIDES]
    else:
        c, h, w = DOCUMENTED[name].size
        sizes = [(c, side, side) for side in SIDES if side <= min(h, w)] + [(c, h, w)]
    return network, torch.rand(BATCH, *_smallest(network, sizes))


def _smallest(network: nn.Module, sizes: list[tuple[int, int, int]]) -> tuple[int, int, int]:
    """The first size that the network takes and that leaves every batch norm enough numbers to be smooth."""
    fewest: list[int] = []
    norms = [module for module in network.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    hooks = [norm.register_forward_hook(lambda _, x, y: fewest.append(y.numel() // y.shape[1])) for norm in norms]
    try:
        for size in sizes:
            fewest.clear()
            if _takes(network, size) and all(n >= FEWEST for n in fewest):
                return size
    finally:
        for hook in hooks:
            hook.remove()
    raise UsageError("the network takes none of the sizes tried", seen=sizes)


def _takes(network: nn.Module, size: tuple[int, int, int]) -> bool:
    try:
        with torch.no_grad():
            network(torch.rand(BATCH, *size))
    except (RuntimeError, ValueError, IndexError):
        return False
    return True
