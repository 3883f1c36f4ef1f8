"""[E1] A Gabor function fitted to a small filter: a wave under a bell, as the first layers of vision have it.

    g(y, x) = a exp(-(u^2 / s^2 + v^2 / t^2) / 2) cos(2 pi f u + p),   (u, v) = (x - cx, y - cy) turned by the angle

First a grid over all but strength and phase, which are linear and solved for; then Gauss-Newton steps with damping from
the best places of the grid. NumPy alone. The error says how much of the filter no such function explains.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

STARTS, STEPS = 3, 25


@dataclass(frozen=True)
class Gabor:
    """`angle` in radians in 0..pi, `frequency` in cycles per pixel; `error` the norm left over, 0 to 1."""

    angle: float
    frequency: float
    sigma: tuple[float, float]
    centre: tuple[float, float]  # (y, x) from the middle
    phase: float
    error: float
    picture: np.ndarray


def fit_gabor(kernel: np.ndarray) -> Gabor:
    """[E1] The nearest Gabor function to a kernel (kh, kw); an empty kernel is fitted by nothing, with error 0."""
    kernel = kernel.astype(np.float64)
    size = float(np.linalg.norm(kernel))
    if size == 0:
        return Gabor(0.0, 0.0, (1.0, 1.0), (0.0, 0.0), 0.0, 0.0, np.zeros_like(kernel))
    target = kernel.ravel() / size
    places, first, second = _grid(kernel.shape)
    explained = (first @ target) ** 2 + (second @ target) ** 2  # of orthonormal waves
    best = min(
        (_refined(places[i], target, kernel.shape) for i in np.argsort(explained)[-STARTS:]), key=lambda found: found[0]
    )
    error, q = best
    waves = _waves(q, kernel.shape)
    a, b = np.linalg.lstsq(waves, target, rcond=None)[0]
    picture = (waves @ [a, b]).reshape(kernel.shape) * size
    angle, frequency, s, t, cy, cx = map(float, q)
    return Gabor(angle % np.pi, frequency, (s, t), (cy, cx), float(np.arctan2(-b, a)), error, picture)


def _waves(q: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The cosine and the sine of one place (angle, frequency, s, t, cy, cx). (taps, 2)"""
    angle, frequency, s, t, cy, cx = q
    y, x = np.mgrid[: shape[0], : shape[1]]
    y, x = y.ravel() - (shape[0] - 1) / 2 - cy, x.ravel() - (shape[1] - 1) / 2 - cx
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    bell = np.exp(-((u / s) ** 2 + (v / t) ** 2) / 2)
    return np.stack([bell * np.cos(2 * np.pi * frequency * u), bell * np.sin(2 * np.pi * frequency * u)], axis=1)


@lru_cache(maxsize=4)
def _grid(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The places of the grid (n, 6), and at each the two waves made orthonormal, (n, taps) each."""
    side = min(shape)
    axes = (
        np.arange(8) * np.pi / 8,
        np.array([0.02, 0.1, 0.17, 0.25, 0.35, 0.45]),
        side * np.array([0.15, 0.3]),
        side * np.array([0.15, 0.3, 0.6]),
        side * np.array([-0.2, 0, 0.2]),
        side * np.array([-0.2, 0, 0.2]),
    )
    places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 6)
    waves = np.stack([_waves(q, shape) for q in places])  # (n, taps, 2)
    first = waves[..., 0] / np.linalg.norm(waves[..., 0], axis=1, keepdims=True)
    second = waves[..., 1] - np.sum(waves[..., 1] * first, axis=1, keepdims=True) * first
    return places, first, second / np.maximum(np.linalg.norm(second, axis=1, keepdims=True), 1e-9)


def _refined(q: np.ndarray, target: np.ndarray, shape: tuple[int, ...]) -> tuple[float, np.ndarray]:
    """(error, place) after damped Gauss-Newton steps on what strength and phase leave over."""
    left, damping = _left(q, target, shape), 1e-2
    for _ in range(STEPS):
        h = 1e-5
        jacobian = np.stack([(_left(q + h * e, target, shape) - left) / h for e in np.eye(6)], axis=1)
        step = np.linalg.solve(jacobian.T @ jacobian + damping * np.eye(6), -jacobian.T @ left)
        trial = _inside(q + step, shape)
        after = _left(trial, target, shape)
        if after @ after < left @ left:
            q, left, damping = trial, after, damping / 4
        else:
            damping *= 8
        if damping > 1e6 or left @ left < 1e-16:
            break
    return float(np.linalg.norm(left)), q


def _left(q: np.ndarray, target: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    waves = _waves(q, shape)
    gram = waves.T @ waves + 1e-12 * np.eye(2)
    return target - waves @ np.linalg.solve(gram, waves.T @ target)


def _inside(q: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Bells from a third of a pixel to twice the kernel, waves up to half a cycle per pixel, centres on the kernel."""
    side = max(shape)
    low = np.array([-np.inf, 0.0, 0.35, 0.35, -side / 2, -side / 2])
    high = np.array([np.inf, 0.5, 2.0 * side, 2.0 * side, side / 2, side / 2])
    return np.clip(q, low, high)
