"""[E6] What a layer makes of many pictures, laid out on a plane: by PCA, and by t-SNE.

PCA keeps the two directions in which the layer's numbers vary most: distances mean something, clusters may overlap.
t-SNE (van der Maaten and Hinton, 2008) keeps who is near whom: clusters show, but neither their sizes nor the distances
between them mean anything. It is exact, of quadratic cost, and begins at the PCA, so that it is always the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pellucid.errors import UsageError
from pellucid.inspect.as_input import as_input

if TYPE_CHECKING:
    from pellucid.network import Network

MOST_POINTS = 1000
STEPS, EXAGGERATED, EXAGGERATION = 500, 120, 4.0
PERPLEXITY = 20.0

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Embedding:
    """`pca` and `tsne` are (n, 2); `kept` is the part of the variance that the PCA shows, `lost` t-SNE's divergence in
    nats: 0 is perfect."""

    layer: str
    names: tuple[str, ...]
    pca: np.ndarray
    kept: float
    tsne: np.ndarray
    lost: float


def embedding(
    net: Network, layer: str, pictures: Iterable[tuple[str, np.ndarray]], progress: Progress | None = None
) -> Embedding:
    """[E6] Of (name, picture)s, each the mean of the layer's map over the picture: of a dense layer all."""
    names, vectors = [], []
    for name, picture in pictures:
        _, kept = net.run(as_input(net, picture), "fp32", keep=[layer])
        names.append(name)
        vectors.append(kept[layer][0].mean(axis=(0, 1)))
    if not 3 <= len(names) <= MOST_POINTS:
        raise UsageError("so many pictures cannot be laid out", seen=len(names), expected=f"3 to {MOST_POINTS}")
    points = np.stack(vectors).astype(np.float64)
    flat, kept_part = pca(points)
    near, lost = tsne(points, progress=progress)
    return Embedding(layer, tuple(names), flat, kept_part, near, lost)


def pca(points: np.ndarray, axes: int = 2) -> tuple[np.ndarray, float]:
    """(n, d) -> (n, axes) along the directions of largest variance, and the part of the variance that they keep."""
    centred = points - points.mean(axis=0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    found = np.zeros((len(points), axes))
    count = min(axes, len(s))
    found[:, :count] = u[:, :count] * s[:count]
    # A direction has no sign of its own: the largest number of each axis is positive.
    found *= np.where(np.take_along_axis(found, np.abs(found).argmax(axis=0)[None], 0) < 0, -1, 1)
    total = float((s**2).sum())
    return found, float((s[:count] ** 2).sum()) / total if total else 1.0


def tsne(
    points: np.ndarray, perplexity: float = PERPLEXITY, steps: int = STEPS, progress: Progress | None = None
) -> tuple[np.ndarray, float]:
    """(n, d) -> (n, 2), and the Kullback-Leibler divergence that is left."""
    n = len(points)
    p = similarities(points, min(perplexity, (n - 1) / 3))
    p = np.maximum((p + p.T) / (2 * n), 1e-12)
    start = pca(points)[0]
    y = 1e-2 * start / max(float(start.std()), 1e-300)
    velocity, gains = np.zeros_like(y), np.ones_like(y)
    rate = max(n / EXAGGERATION / 4, 10.0)
    for step in range(steps):
        if progress and step % 10 == 0:
            progress(step, steps, "t-SNE")
        early = step < EXAGGERATED
        gradient, _ = _gradient(p * (EXAGGERATION if early else 1.0), y)
        gains = np.where((gradient > 0) == (velocity > 0), gains * 0.8, gains + 0.2).clip(0.01)
        velocity = (0.5 if early else 0.8) * velocity - rate * gains * gradient
        y = y + velocity
        y -= y.mean(axis=0)
    return y, _gradient(p, y)[1]


def similarities(points: np.ndarray, perplexity: float) -> np.ndarray:
    """(n, n), rows of sum 1: how likely i takes j for its neighbour under a bell around i, whose width is such that the
    row has this perplexity: as much choice as that many equal neighbours."""
    squares = (points**2).sum(axis=1)
    distances = np.maximum(squares[:, None] + squares[None] - 2 * points @ points.T, 0)
    distances /= max(float(distances.mean()), 1e-300)
    np.fill_diagonal(distances, np.inf)
    low, high, beta = np.zeros(len(points)), np.full(len(points), np.inf), np.ones(len(points))
    nearest = distances.min(axis=1, keepdims=True)
    for _ in range(64):
        p = np.exp(-(distances - nearest) * beta[:, None])
        p /= p.sum(axis=1, keepdims=True)
        too_wide = -(p * np.log(np.maximum(p, 1e-300))).sum(axis=1) > np.log(perplexity)
        low, high = np.where(too_wide, beta, low), np.where(too_wide, high, beta)
        beta = np.where(np.isinf(high), 2 * beta, (low + np.where(np.isinf(high), 0, high)) / 2)
    return p


def _gradient(p: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
    """Of the divergence between p and the similarities of y under Student's bell, and the divergence itself."""
    squares = (y**2).sum(axis=1)
    bell = 1 / (1 + np.maximum(squares[:, None] + squares[None] - 2 * y @ y.T, 0))
    np.fill_diagonal(bell, 0)
    q = np.maximum(bell / bell.sum(), 1e-12)
    force = (p - q) * bell
    gradient = 4 * (force.sum(axis=1, keepdims=True) * y - force @ y)
    off = ~np.eye(len(y), dtype=bool)
    return gradient, float((p[off] * np.log(p[off] / q[off])).sum())
