"""Image pyramids with exact reconstruction: Gaussian, Laplacian (Burt, Adelson 1983) and steerable (Simoncelli). [A16]

A Gaussian pyramid holds ever smaller blurred pictures, a Laplacian what each blur takes away, a steerable one what each
takes away split by orientation. The first is a reading of the picture; the other two are the picture, and give it back.
"""

import math
from dataclasses import dataclass

import numpy as np

from pellucid.errors import UsageError
from pellucid.reference.window import Array

_BLUR = np.array([1.0, 4, 6, 4, 1]) / 16


def blur(x: Array) -> Array:
    """The binomial of five, along rows and columns; beyond the edge the picture is mirrored. (h, w) [A16]"""
    for axis in (0, 1):
        width = [(2, 2) if a == axis else (0, 0) for a in (0, 1)]
        padded = np.pad(x, width, mode="symmetric")
        x = sum(  # type: ignore[assignment]
            weight * np.take(padded, range(k, k + x.shape[axis]), axis) for k, weight in enumerate(_BLUR)
        )
    return x


def reduce(x: Array) -> Array:
    """Blurred, every second pixel of every second row: (h, w) -> (ceil(h / 2), ceil(w / 2)). [A16]"""
    return blur(x)[::2, ::2]


def expand(x: Array, shape: tuple[int, int]) -> Array:
    """The counterpart: pixels set apart, zeros between, blurred with four times the weight. [A16]"""
    spread, weight = np.zeros(shape), np.zeros(shape)
    spread[::2, ::2], weight[::2, ::2] = x, 1.0
    expanded: Array = blur(spread) / blur(weight)  # 4 inside; near odd edges less, and constants stay constant
    return expanded


def gaussian_pyramid(x: Array, levels: int) -> list[Array]:
    """[A16] The picture and `levels` ever smaller ones."""
    if levels < 0 or min(x.shape) < 2**levels:
        expected = f"0 to {int(math.log2(min(x.shape)))} for a picture of {x.shape[0]} x {x.shape[1]}"
        raise UsageError("no such pyramid", seen=f"{levels} levels", expected=expected)
    found = [np.asarray(x, float)]
    for _ in range(levels):
        found.append(reduce(found[-1]))
    return found


def laplacian_pyramid(x: Array, levels: int) -> list[Array]:
    """[A16] What each level holds beyond the next, and last the smallest picture."""
    levels_of = gaussian_pyramid(x, levels)
    details = [a - expand(b, a.shape) for a, b in zip(levels_of, levels_of[1:], strict=False)]
    return [*details, levels_of[-1]]


def from_laplacian(pyramid: list[Array]) -> Array:
    """[A16] The picture again, exactly: each detail is added to what it was taken from."""
    x = pyramid[-1]
    for detail in reversed(pyramid[:-1]):
        x = detail + expand(x, detail.shape)
    return x


@dataclass(frozen=True)
class Steerable:
    """[A16] `bands[level][orientation]` of falling size, what is finer than all of them, and what is coarser."""

    high: Array
    bands: list[list[Array]]
    low: Array


def steerable_pyramid(x: Array, levels: int = 3, orientations: int = 4) -> Steerable:
    """[A16] Bands by scale and orientation, made in the frequency domain; the picture counts as periodic.

    Sides must be multiples of 2^levels. Filters are applied once here and once on the way back, and the squares of all
    sum to 1 at every frequency: that is why the way back is exact.
    """
    h, w = x.shape
    if levels < 1 or h % 2**levels or w % 2**levels or orientations < 1:
        expected = f"sides that are multiples of {2**levels}"
        raise UsageError("no such steerable pyramid", seen=f"{h} x {w}, {levels} levels", expected=expected)
    spectrum = np.fft.fft2(x)
    high = _real(spectrum * _high(h, w, 1.0))
    spectrum = spectrum * _low(h, w, 1.0)
    bands = []
    for _ in range(levels):
        h, w = spectrum.shape
        ring = spectrum * _high(h, w, 0.5)
        bands.append([_real(ring * _angular(h, w, o, orientations)) for o in range(orientations)])
        spectrum = _cropped(spectrum * _low(h, w, 0.5))
    return Steerable(high, bands, _real(spectrum))


def from_steerable(pyramid: Steerable) -> Array:
    """[A16] The picture again: every band through its own filter once more, and all of them added."""
    spectrum = np.fft.fft2(pyramid.low)
    for level in reversed(pyramid.bands):
        h, w = level[0].shape
        spectrum = _low(h, w, 0.5) * _spread(spectrum)
        for o, band in enumerate(level):
            spectrum = spectrum + np.fft.fft2(band) * _high(h, w, 0.5) * np.conj(_angular(h, w, o, len(level)))
    h, w = pyramid.high.shape
    spectrum = _low(h, w, 1.0) * spectrum + _high(h, w, 1.0) * np.fft.fft2(pyramid.high)
    return _real(spectrum)


def _real(spectrum: Array) -> Array:
    return np.real(np.fft.ifft2(spectrum))


def _frequencies(h: int, w: int) -> tuple[Array, Array]:
    """Along y and x; 1 is half a wave per pixel."""
    return 2 * np.fft.fftfreq(h)[:, None], 2 * np.fft.fftfreq(w)[None, :]


def _low(h: int, w: int, edge: float) -> Array:
    """1 below half of `edge`, 0 above it, a cosine over the octave between."""
    y, x = _frequencies(h, w)
    octaves = np.log2(np.maximum(np.hypot(y, x), 1e-9) / edge)
    low: Array = np.cos(np.pi / 2 * np.clip(octaves + 1, 0, 1))
    return low


def _high(h: int, w: int, edge: float) -> Array:
    """What completes `_low`: their squares sum to 1."""
    return np.sqrt(np.maximum(1 - _low(h, w, edge) ** 2, 0))


def _angular(h: int, w: int, orientation: int, orientations: int) -> Array:
    """cos^(n - 1) of the angle to the orientation; the squares of all n sum to 1, bands of real pictures are real."""
    y, x = _frequencies(h, w)
    n = orientations - 1
    scale = 2**n * math.factorial(n) / math.sqrt(orientations * math.factorial(2 * n))
    wave = (1j**n) * scale * np.cos(np.arctan2(y, x) - np.pi * orientation / orientations) ** n
    if n % 2:  # an odd function has no value on frequencies that are their own mirror image
        wave = np.where(_own_mirror(h, w), abs(wave), wave)
    return wave


def _own_mirror(h: int, w: int) -> Array:
    ys, xs = (np.isin(np.arange(n), (0, n // 2)) for n in (h, w))
    return ys[:, None] & xs[None, :]


def _cropped(spectrum: Array) -> Array:
    """The lower half of the frequencies: a picture of half the side."""
    h, w = spectrum.shape
    shifted = np.fft.fftshift(spectrum)[h // 4 : h // 4 + h // 2, w // 4 : w // 4 + w // 2]
    return np.fft.ifftshift(shifted) / 4


def _spread(spectrum: Array) -> Array:
    h, w = spectrum.shape
    return np.fft.ifftshift(np.pad(np.fft.fftshift(spectrum), ((h // 2, h // 2), (w // 2, w // 2)))) * 4
