"""[E1] A layer's filters, sorted and compared by likeness, with Gabor functions fitted to those large enough for it.

In a net that trained well, filters have structure and differ from each other. Two filters are alike whose weights point
the same way, whatever their strength.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pellucid.errors import UsageError, unknown_name
from pellucid.inspect.gabor import Gabor, fit_gabor

if TYPE_CHECKING:
    from pellucid.network import Network

ALIKE = 0.98
FIT_FROM = 25
"""A Gabor function has eight numbers: kernels with fewer taps than this would be fitted, not tested, by it."""


@dataclass(frozen=True)
class Filters:
    """`weights` is (oc, ic, kh, kw) in the file's order, `order` puts like beside like, `likeness` is (oc, oc)."""

    layer: str
    weights: np.ndarray
    order: tuple[int, ...]
    likeness: np.ndarray
    duplicates: tuple[tuple[int, int], ...]
    empty: tuple[int, ...]
    patterns: np.ndarray | None  # (oc, kh, kw): of each filter what explains most of its channels
    gabor: tuple[Gabor, ...] | None  # one per filter fitted to its pattern; both None where kernels are too small


def filters(net: Network, layer: str | None = None) -> Filters:
    """[E1] Of the first convolution, or of the layer named."""
    found = {
        node.name: net.weights[f"{node.weights_prefix}.weight"]
        for node in net.graph.nodes
        if node.operation == "conv" and f"{node.weights_prefix}.weight" in net.weights
    }
    if not found:
        raise UsageError("the network has no convolution, so no filters", seen=net.name)
    if layer is not None and layer not in found:
        raise unknown_name("convolution", layer, list(found))
    name = layer or _first_seeing(found)
    return describe_filters(name, found[name])


def describe_filters(layer: str, weights: np.ndarray) -> Filters:
    """The same for weights (oc, ic, kh, kw)."""
    flat = weights.reshape(len(weights), -1).astype(np.float64)
    norms = np.linalg.norm(flat, axis=1)
    empty = norms <= 1e-6 * max(norms.max(), 1e-30)
    unit = flat / np.where(empty, 1, norms)[:, None]
    unit[empty] = 0
    likeness = np.clip(unit @ unit.T, -1, 1)
    pairs = np.argwhere(np.triu(likeness > ALIKE, 1))
    fits = patterns = None
    if weights.shape[2] * weights.shape[3] >= FIT_FROM:
        patterns = np.stack([_strongest_pattern(kernel) for kernel in weights])
        fits = tuple(fit_gabor(pattern) for pattern in patterns)
    duplicates = tuple((int(i), int(j)) for i, j in pairs)
    return Filters(
        layer, weights, chain(likeness), likeness, duplicates, tuple(map(int, np.flatnonzero(empty))), patterns, fits
    )


def _first_seeing(found: dict[str, np.ndarray]) -> str:
    """The first convolution that is more than a fixed 1 x 1 mixing, if there is one."""
    return next((name for name, weight in found.items() if weight.shape[2] * weight.shape[3] > 1), next(iter(found)))


def chain(likeness: np.ndarray) -> tuple[int, ...]:
    """An order in which each filter is followed by the most alike of those left."""
    left = list(range(len(likeness)))
    order = [left.pop(0)]
    while left:
        nearest = max(left, key=lambda i: likeness[order[-1], i])
        left.remove(nearest)
        order.append(nearest)
    return tuple(order)


def _strongest_pattern(kernel: np.ndarray) -> np.ndarray:
    """The pattern that explains most of a filter's channels. (ic, kh, kw) -> (kh, kw)"""
    flat = kernel.reshape(len(kernel), -1).astype(np.float64)
    _, s, v = np.linalg.svd(flat, full_matrices=False)
    return (s[0] * v[0]).reshape(kernel.shape[1:])
