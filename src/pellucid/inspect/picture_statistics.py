"""[E10] The statistics of natural pictures: how alike neighbours are, and how that falls off with distance.

Pairs of pixels at growing distance, their correlation, and the power spectrum with the law power = 1 / frequency^a
fitted to it (near 2 for photographs; 0 for noise). Luminance only, as stored: sRGB is near the logarithm of light.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pellucid.errors import UsageError

PAIR_DISTANCES, PAIRS = (1, 2, 4, 8, 16), 1000
FARTHEST = 64
LOWEST, HIGHEST = 0.02, 0.3
"""Cycles per pixel between which the law is fitted: slower waves are few, faster ones are the lens's and the file's."""


@dataclass(frozen=True)
class Statistics:
    """`pairs` maps a distance to (n, 2) luminances; `exponent` has the standard error of its mean over pictures."""

    pictures: int
    pairs: dict[int, np.ndarray]
    autocorrelation: np.ndarray  # at distances 0, 1, ...
    frequencies: np.ndarray
    power: np.ndarray
    exponent: float
    exponent_error: float


def statistics_of(pictures: Sequence[np.ndarray]) -> Statistics:
    """[E10] Of pictures (h, w) or (h, w, c), any depth; each counts the same whatever its size."""
    planes = [_plane(picture) for picture in pictures]
    if not planes:
        raise UsageError("statistics of no pictures", expected="at least one")
    farthest = min(FARTHEST, min(min(plane.shape) for plane in planes) // 2)
    if farthest < 4:
        raise UsageError("a picture is too small for statistics", expected="sides of at least 8 pixels")
    random = np.random.default_rng(0)
    distances = [d for d in PAIR_DISTANCES if d <= farthest]
    pairs = {d: np.concatenate([_pairs(p, d, random, PAIRS // len(planes) + 1) for p in planes]) for d in distances}
    correlation = np.mean([_autocorrelation(plane, farthest) for plane in planes], axis=0)
    spectra = [_spectrum(plane) for plane in planes]
    slopes = [_exponent(*spectrum) for spectrum in spectra]
    values, own_errors = np.array([s[0] for s in slopes]), np.array([s[1] for s in slopes])
    spread = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
    error = max(float(spread), float(np.sqrt(np.sum(own_errors**2)) / len(values)))
    frequencies = np.linspace(LOWEST, HIGHEST, 24)
    power = np.exp(np.mean([np.interp(frequencies, f, np.log(p)) for f, p in spectra], axis=0))
    return Statistics(len(planes), pairs, correlation, frequencies, power, float(values.mean()), error)


def _plane(picture: np.ndarray) -> np.ndarray:
    """Luminance in 0..1, float64. (h, w) or (h, w, c) -> (h, w)"""
    x = picture.astype(np.float64)
    if picture.dtype.kind == "u":
        x /= np.iinfo(picture.dtype).max
    return x if x.ndim == 2 else x @ [0.299, 0.587, 0.114] if x.shape[2] == 3 else x[..., 0]


def _pairs(plane: np.ndarray, distance: int, random: np.random.Generator, n: int) -> np.ndarray:
    h, w = plane.shape
    y, x = random.integers(0, h, n), random.integers(0, w - distance, n)
    return np.stack([plane[y, x], plane[y, x + distance]], axis=1)


def _autocorrelation(plane: np.ndarray, farthest: int) -> np.ndarray:
    """At distances 0 to `farthest`, the mean of across and down."""
    x = plane - plane.mean()
    variance = float(np.mean(x * x)) or 1.0
    found = [1.0 if x.any() else 0.0]
    for d in range(1, farthest + 1):
        found.append((float(np.mean(x[:, d:] * x[:, :-d])) + float(np.mean(x[d:] * x[:-d]))) / 2 / variance)
    return np.array(found)


def _spectrum(plane: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(frequency, power) averaged over rings of equal frequency, under a Hann window."""
    h, w = plane.shape
    window = np.outer(np.hanning(h + 2)[1:-1], np.hanning(w + 2)[1:-1])
    x = (plane - np.average(plane, weights=window)) * window
    power = np.abs(np.fft.rfft2(x)) ** 2 / np.sum(window**2)
    radius = np.hypot(np.fft.fftfreq(h)[:, None], np.fft.rfftfreq(w)[None])
    step = 1 / min(h, w)
    ring = np.round(radius / step).astype(int).ravel()
    count = np.maximum(np.bincount(ring), 1)
    mean, at = np.bincount(ring, power.ravel()) / count, np.bincount(ring, radius.ravel()) / count
    inside = (at >= max(LOWEST, 1.5 * step)) & (at <= HIGHEST)
    return at[inside], mean[inside] + 1e-300


def _exponent(frequency: np.ndarray, power: np.ndarray) -> tuple[float, float]:
    """The a of power = c / frequency^a by least squares on logarithms, with its standard error."""
    x, y = np.log(frequency), np.log(power)
    dx = x - x.mean()
    slope = float(dx @ y / (dx @ dx))
    left = y - y.mean() - slope * dx
    error = float(np.sqrt(left @ left / max(len(x) - 2, 1) / (dx @ dx)))
    return -slope, error
