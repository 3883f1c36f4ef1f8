"""How a network's answer changes with bfloat16, and with its smallest weights set to zero, measured on one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pellucid.inspect.as_input import as_input

if TYPE_CHECKING:
    from pellucid.network import Network

SHARES = (0.1, 0.2, 0.3, 0.5)


@dataclass(frozen=True)
class PrecisionLoss:
    """`difference` is bfloat16's answer minus float32's, (h, w, c); `relative` max |a - b| / max |b|."""

    answer: np.ndarray
    difference: np.ndarray
    largest: float
    relative: float
    psnr: float  # of the difference, white being 1; infinite where there is none
    same_class: float  # the share of places whose largest channel is the same


@dataclass(frozen=True)
class PruningLoss:
    """Of a copy whose `share` smallest weights, layer by layer, are zero; the other fields as of `PrecisionLoss`."""

    share: float
    difference: np.ndarray
    largest: float
    relative: float
    psnr: float
    same_class: float


def precisions(net: Network, picture: np.ndarray) -> PrecisionLoss:
    """The network's answer to a picture in both precisions."""
    x = as_input(net, picture)
    exact = net.run(x, "fp32")[0]
    return PrecisionLoss(exact, *_difference(net.run(x, "bf16")[0], exact))


def prunings(net: Network, picture: np.ndarray, shares: Sequence[float] = SHARES) -> list[PruningLoss]:
    """How the answer to a picture changes as more and more of the smallest weights are taken away."""
    x = as_input(net, picture)
    exact = net.run(x, "fp32")[0]
    return [PruningLoss(share, *_difference(pruned(net, share).run(x, "fp32")[0], exact)) for share in shares]


def pruned(net: Network, share: float) -> Network:
    """A copy in which each layer's smallest weights, by size, are zero; biases and norms stay as they are."""
    from pellucid.modelfile import ModelFile
    from pellucid.network import Network

    weights = {name: _without_smallest(w, share) if w.ndim > 1 else w for name, w in net.weights.items()}
    return Network(ModelFile(net.graph, weights, net.card), net.name)


def _without_smallest(weight: np.ndarray, share: float) -> np.ndarray:
    kept, sizes = weight.copy().reshape(-1), np.abs(weight).reshape(-1)
    count = round(share * weight.size)
    if count:
        kept[np.argpartition(sizes, count - 1)[:count]] = 0
    return kept.reshape(weight.shape)


def _difference(answer: np.ndarray, exact: np.ndarray) -> tuple[np.ndarray, float, float, float, float]:
    """(answer minus exact, its largest size, that as a part of the largest number, PSNR, places of the same class)."""
    difference = answer - exact
    largest, error = float(np.abs(difference).max()), float(np.mean(difference.astype(np.float64) ** 2))
    relative = largest / max(float(np.abs(exact).max()), 1e-30)
    same = float(np.mean(answer.argmax(axis=-1) == exact.argmax(axis=-1)))
    return difference, largest, relative, float("inf") if error == 0 else float(-10 * np.log10(error)), same
