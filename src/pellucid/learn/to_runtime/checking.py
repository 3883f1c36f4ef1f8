"""The runtime compared with torch on random input, at several sizes; on the way, what sizes must be a multiple of."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from pellucid.errors import GraphError, NotFiniteError
from pellucid.graph import Graph
from pellucid.network import Network

TOLERANCE = 1e-4
"""max |a - b| / max |b| between the runtime and torch."""

MULTIPLES = (1, 2, 4, 8, 16, 32, 64, 128, 3, 6, 12, 24, 48)
"""In the order in which they are tried: poolings halve."""


def find_multiple(module: nn.Module, network: Network, example: torch.Tensor) -> Network:
    """The network with its graph's `multiple` set: the first at which torch and the runtime agree on all sizes."""
    h, w = int(example.shape[2]), int(example.shape[3])
    complaint: GraphError | None = None
    for multiple in MULTIPLES if network.graph.size is None else (1,):
        tried = network.of_multiple(multiple)
        try:
            check(module, tried, list(_sizes(tried.graph, h, w)))
            return tried
        except GraphError as error:
            complaint = complaint or error
    assert complaint is not None
    raise complaint


def _sizes(graph: Graph, h: int, w: int) -> Iterator[tuple[int, int]]:
    """The example's size, and two larger ones that share only the multiple."""
    if graph.size is not None:
        yield graph.size
        return
    m = graph.multiple
    down, across = -(-h // m), -(-w // m)
    yield (down + 1 + down % 2) * m, (across + across % 2 + 1) * m  # odd multiples first: they fail first
    yield (down + 1) * m, (across + 2) * m
    yield down * m, across * m


def check(module: nn.Module, network: Network, sizes: list[tuple[int, int]], tolerance: float = TOLERANCE) -> None:
    """Raises where the runtime gives another size, or other numbers, than torch."""
    for h, w in sizes:
        least = np.inf
        for number in range(_pictures(network.graph)):
            least = min(least, _difference(module, network, h, w, number))
            if least < tolerance:
                break
        else:
            what = f"the runtime gives other numbers than torch for {h} x {w}"
            raise GraphError(what, seen=f"a relative error of {least:.2g}", expected=f"below {tolerance:g}")


def _pictures(graph: Graph) -> int:
    """How many pictures of a size may be tried. Where two values of a pool are the same but for rounding, the position
    of the largest is a matter of chance, and all that is put there by it moves; another picture has other near ties.
    """
    return 4 if any(node.operation == "max_pool_positions" for node in graph.nodes) else 1


def _difference(module: nn.Module, network: Network, h: int, w: int, number: int) -> float:
    """The relative error on the picture of this number; another size than torch's is refused."""
    random = torch.Generator().manual_seed(h * 4096 + w + (number << 24))
    x = torch.rand(1, network.graph.channels, h, w, generator=random)
    wanted = _by_torch(module, x)
    got = network.run(np.ascontiguousarray(x.numpy().transpose(0, 2, 3, 1)), "fp32")
    if got.shape != wanted.shape:
        what = f"the runtime gives another size than torch for {h} x {w}"
        raise GraphError(what, seen=got.shape, expected=wanted.shape, hint="sizes must follow from the picture's")
    return relative_error(got, wanted)


def _by_torch(module: nn.Module, x: torch.Tensor) -> np.ndarray:
    """(1, c, h, w) -> (1, h', w', c') by torch."""
    try:
        with torch.no_grad():
            y = module(x)
    except Exception as error:  # torch's own, or whatever a module raises of sizes that it does not take
        size, first = f"{x.shape[2]} x {x.shape[3]}", next(iter(str(error).splitlines()), type(error).__name__)
        raise GraphError(f"the module refuses {size}", seen=first) from None
    if not torch.isfinite(y).all():
        raise NotFiniteError("the module's output is not finite", seen=f"random input {tuple(x.shape)}")
    y = y.numpy()
    return y.transpose(0, 2, 3, 1) if y.ndim == 4 else y[:, None, None, :]


def relative_error(a: np.ndarray, b: np.ndarray) -> float:
    """max |a - b| / max |b|, 0 where both are zero."""
    largest = float(np.abs(b).max())
    return float(np.abs(a - b).max()) / largest if largest else float(np.abs(a).max())
