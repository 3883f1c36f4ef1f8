"""Non-local means [D2]: the classical denoiser beside ours. Every pixel becomes the mean of pixels nearby whose
surroundings look like its own.

It needs no training, only the noise's sigma. Buades, Coll, Morel: A non-local algorithm for image denoising, 2005; what
the noise itself adds to the distance of two patches is taken off, and each pair of pixels is compared once. It is here
to be measured, not to be fast: the whole picture is in memory.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

PATCH = 2
"""Patches reach so far to each side: 5 x 5."""

REACH = 7
"""Patches are looked for so far to each side: 15 x 15."""

SOFTNESS = 0.65
"""How far apart patches may be to be averaged, in sigmas; settled on photographs to train on."""


def non_local_means(x: np.ndarray, sigma: float) -> np.ndarray:
    """A picture (h, w, c) float32 with noise of `sigma` on the same scale -> the same, cleaned."""
    if sigma <= 0:
        return x.copy()
    h, w, _ = x.shape
    edge = PATCH + REACH
    size = (h + 2 * edge, w + 2 * edge)
    planes = x.astype(np.float32).transpose(2, 0, 1)  # (c, h, w): long rows are quick
    wide = np.pad(planes, ((0, 0), (edge, edge), (edge, edge)), mode="symmetric")
    total, weights = wide.copy(), np.ones(size, np.float32)  # every pixel beside itself
    for dy, dx in _half_of_the_window():
        here, there = _pair(size, dy, dx)
        distance = np.mean([(plane[here] - plane[there]) ** 2 for plane in wide], axis=0)
        excess = np.maximum(_patch_mean(distance) - 2 * sigma**2, 0)
        weight = np.exp(excess / -np.float32((SOFTNESS * sigma) ** 2))
        weights[here] += weight
        weights[there] += weight
        for plane, into in zip(wide, total, strict=True):
            into[here] += weight * plane[there]
            into[there] += weight * plane[here]
    clean = total / weights
    return np.ascontiguousarray(clean[:, edge : edge + h, edge : edge + w].transpose(1, 2, 0))


def _half_of_the_window() -> Iterator[tuple[int, int]]:
    """One of each two opposite offsets (y, x), the middle left out."""
    yield from ((0, x) for x in range(1, REACH + 1))
    yield from ((y, x) for y in range(1, REACH + 1) for x in range(-REACH, REACH + 1))


def _pair(shape: tuple[int, int], dy: int, dx: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where a pixel and the one `dy`, `dx` farther both lie in the map."""
    h, w = shape
    here = (slice(0, h - dy), slice(max(0, -dx), w - max(0, dx)))
    return here, (slice(dy, h), slice(max(0, dx), w - max(0, -dx)))


def _patch_mean(distance: np.ndarray) -> np.ndarray:
    """The mean over the patch around each place; the map's edge goes on beyond it."""
    side, (h, w) = 2 * PATCH + 1, distance.shape
    wide = np.pad(distance, PATCH, mode="edge")
    rows = np.sum([wide[k : k + h] for k in range(side)], axis=0)
    return np.sum([rows[:, k : k + w] for k in range(side)], axis=0) / np.float32(side**2)
