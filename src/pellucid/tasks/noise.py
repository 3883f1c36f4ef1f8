"""How strong the noise of a picture is, measured from the picture alone: sigma of white Gaussian noise, in grey levels.

Blocks of 8 x 8 are taken apart by the cosine transform, in which white noise is equally strong everywhere, while what
a photograph shows lies mostly at low frequencies. Blocks whose low frequencies hold no more than noise would are the
smooth ones; their high frequencies, which had no say in the choice, give sigma. In colour the differences between the
channels are measured too, for they are smooth where all of a picture is texture. Where noise was clipped at black and
white, as files clip it, the share of samples there says how much of its variance is gone, and it is put back.

A camera's noise is shared by neighbouring pixels, and its high frequencies are weak: white noise of a fraction of its
strength would have as much there. Asked for `shared` noise, the smooth blocks are those whose neighbours have little
at low frequencies, and all of what the block itself holds is measured, whatever its frequency. What varies everywhere
in a picture is then taken for noise, too.
"""

from __future__ import annotations

import math

import numpy as np

from pellucid.errors import PictureError, UsageError
from pellucid.picture import to_float

SIDE = 8
LOW, HIGH, HIGHEST = 5, 10, 12
"""Frequencies (u, v) with u + v up to LOW choose the blocks; those from HIGH on measure them, or, where there is less
in them, those from HIGHEST on: what they lack was texture."""

MOST_BLOCKS = 100_000
"""Per channel; larger pictures are sampled in bands, so that memory stays bounded."""

TOLERANCE = 1.0
"""Low frequencies may exceed what the noise makes of them by this many standard deviations."""

LEAST_SHARE = 0.003
"""This share of the blocks, the smoothest, is always used."""

LEAST_BLOCKS = 60

SMOOTH_SHARE = 0.01
"""This share of the blocks, those beside the smoothest, tells of shared noise."""

MOSTLY_LEFT = 0.8
"""Blocks in which clipping left less than this share of the variance do not tell of shared noise."""

LEAST_HIDDEN, HIDDEN_SHARE = 6.0, 1.8
"""Shared noise from this many grey levels on, this many times what white noise would explain, is worth a word. Of 11
photographs to train on it is found in all where a camera's noise of 10 or 25 was added with two fifths of each pixel in
its neighbours, in none with white noise of 5 or 15; but in 18 of 134 clean ones as well, which are texture all over, so
that nothing is done about it unasked."""

SMOOTHED_COLOUR = 0.4
"""Where colour differences hold less than this share of the noise of grey, they were smoothed, by JPEG or a camera, and
grey alone tells."""

LEAST_LEFT = 0.3
"""Blocks in which clipping left less than this share of the noise's variance tell too little."""

MOST = 127.5
"""No picture varies more, half of it black and half white; there, next to nothing is left from which to tell."""

ITERATIONS = 20
SMALLEST = 0.02
"""Grey levels below which a picture counts as free of noise."""


def estimate_sigma(picture: np.ndarray, shared: bool = False) -> float:
    """Sigma in grey levels (of 255) of the noise in a picture (h, w, c), uint8, uint16 or float32 in 0..1. [D2]"""
    h, w = picture.shape[:2]
    estimator = NoiseEstimator(h, w, shared)
    estimator.push(picture)
    return estimator.sigma()


class NoiseEstimator:
    """The same for a picture (h, w) that comes row by row: `push` rows (k, w, c), then ask for `sigma`. [D2]"""

    def __init__(self, h: int, w: int, shared: bool = False) -> None:
        self._shared = shared
        self._step = SIDE // 2 if h * w <= 2**20 else SIDE
        bands = math.ceil((h / self._step) * (w / self._step) / MOST_BLOCKS)
        self._band = self._step * bands  # a row of blocks begins at every multiple of this
        self._y = 0  # the row at which the next row of blocks begins
        self._received = 0
        self._held: np.ndarray | None = None  # the last rows, (k, w, c) float32
        self._measured: list[np.ndarray] = []  # as `_measure` returns them

    def push(self, rows: np.ndarray, visible: np.ndarray | None = None) -> None:
        """Takes the next rows. What is not `visible` (k, w) is not measured: nobody made noise there."""
        if rows.ndim != 3 or rows.size == 0:
            raise UsageError("these are no rows of a picture", seen=f"shape {rows.shape}", expected="(k, w, c)")
        x = to_float(rows)
        if visible is not None:
            x = np.where(visible[..., None], x, np.float32(np.nan))
        held = x if self._held is None else np.concatenate([self._held, x])
        self._received += len(x)
        first = self._received - len(held)
        while self._y + SIDE <= self._received:
            if x.shape[1] >= SIDE:
                self._measured.append(_measure(255 * held[self._y - first : self._y - first + SIDE], self._step))
            self._y += self._band
        self._held = held[max(0, self._y - first) :].copy()

    def sigma(self) -> float:
        """In grey levels; 0 for a picture without noise."""
        blocks = self._blocks()
        if self._shared:
            return _shared_sigma(blocks)
        if blocks.shape[2] != 3:
            return _sigma(blocks, slice(None))
        grey, colour, both = (_sigma(blocks, part) for part in (slice(0, 1), slice(1, 3), slice(0, 3)))
        return min(both, grey) if colour > SMOOTHED_COLOUR * grey else grey  # each holds the noise, and perhaps texture

    def hidden(self) -> float | None:
        """What smooth places vary by, in grey levels, where that is much more than `sigma`: noise shared by neighbours,
        or a picture without smooth places. None where white noise explains it."""
        shared = _shared_sigma(self._blocks())
        return shared if shared >= max(LEAST_HIDDEN, HIDDEN_SHARE * self.sigma()) else None

    def _blocks(self) -> np.ndarray:
        blocks = np.concatenate(self._measured, axis=1) if self._measured else np.empty((6, 0, 1), np.float32)
        if not blocks.shape[1]:
            raise _too_small()
        return blocks


def _too_small() -> PictureError:
    expected = f"at least {SIDE} x {SIDE} visible pixels"
    return PictureError("the picture is too small to measure its noise", expected=expected, hint="name it: --sigma 20")


def _measure(rows: np.ndarray, step: int) -> np.ndarray:
    """Rows (8, w, c) in grey levels -> (6, blocks, c): the share of samples at black or white in each channel; the mean
    low, high and highest energy, that of all but the lowest frequencies, and the low energy of the blocks left and
    right. In colour the energies are those of grey and of two differences, axes turned so that white noise stays what
    it is."""
    blocks = np.lib.stride_tricks.sliding_window_view(rows, SIDE, axis=1)[:, ::step]  # (8, blocks, c, 8): y, , , x
    share = ((blocks == 0) | (blocks == 255)).mean(axis=(0, 3))
    spectrum = np.einsum("uy,ybcx,vx->uvbc", COSINES, blocks, COSINES, optimize=True)
    if rows.shape[2] == 3:
        spectrum = spectrum @ GREY_AND_DIFFERENCES.T
    low, *others = ((spectrum[part] ** 2).mean(axis=0) for part in (IS_LOW, IS_HIGH, IS_HIGHEST, IS_NOT_LOWEST))
    return np.stack([share, low, *others, _beside(low, SIDE // step)])[:, ~np.isnan(low).any(axis=1)]


def _beside(low: np.ndarray, reach: int) -> np.ndarray:
    """(blocks, c) -> the mean of the blocks `reach` to the left and right; where one is not there, the other."""
    outside = np.full((min(reach, len(low)), low.shape[1]), np.nan, low.dtype)
    pair = np.concatenate([outside, low])[: len(low)], np.concatenate([low, outside])[-len(low) :]
    left, right = (np.where(np.isnan(a), b, a) for a, b in (pair, pair[::-1]))
    return np.nan_to_num((left + right) / 2, nan=np.inf)


def _shared_sigma(blocks: np.ndarray) -> float:
    """What the grey of blocks beside smooth ones varies by. The choice looks at other pixels than the measurement."""
    left = variance_left(blocks[0]).mean(axis=1)
    whole, beside = blocks[4, :, 0] / left, blocks[5, :, 0] / left
    usable = left > MOSTLY_LEFT if np.count_nonzero(left > MOSTLY_LEFT) >= LEAST_BLOCKS else left > 0
    count = min(np.count_nonzero(usable), max(LEAST_BLOCKS, int(SMOOTH_SHARE * len(left))))
    smoothest = np.argsort(np.where(usable, beside, np.inf), kind="stable")[:count]
    sigma = math.sqrt(float(np.median(whole[smoothest])))
    return min(sigma, MOST) if sigma >= SMALLEST else 0.0


def _sigma(blocks: np.ndarray, part: slice) -> float:
    """Finds the sigma that agrees with the blocks which look smooth under it. `part` names the axes of colour used."""
    left = variance_left(blocks[0])  # (blocks, c), the share of the noise's variance that clipping left
    left = (left @ (GREY_AND_DIFFERENCES**2).T if left.shape[1] == 3 else left)[:, part].ravel()
    low, high, highest = (energy[:, part].ravel() for energy in blocks[1:4])
    sigma = math.sqrt(float(np.median(high)))
    slack = 1 + TOLERANCE * math.sqrt(2 / np.count_nonzero(IS_LOW))
    least = min(len(low) - 1, max(LEAST_BLOCKS, int(LEAST_SHARE * len(low))))
    usable = left > LEAST_LEFT
    if np.count_nonzero(usable) <= least:
        usable[:] = True
    roughness = np.where(usable, low / left, np.inf)
    smoothest = np.partition(roughness, least)[least]
    for _ in range(ITERATIONS):
        smooth = roughness <= max(smoothest, slack * sigma**2)
        measured = min(energy[smooth].mean() for energy in (high, highest)) / left[smooth].mean()
        before, sigma = sigma, math.sqrt(measured)
        if abs(sigma - before) < 1e-3:
            break
    return min(sigma, MOST) if sigma >= SMALLEST else 0.0


def variance_left(share: np.ndarray) -> np.ndarray:
    """How much of its variance Gaussian noise keeps when `share` of it is clipped at one end.

    Nearly linear, so that a block of several brightnesses is served by its mean share.
    """
    a = np.linspace(4, -4, 161)  # the clean value's distance from the end, in sigmas
    inside = np.array([0.5 * math.erfc(-v / math.sqrt(2)) for v in a])
    density = np.exp(-(a**2) / 2) / math.sqrt(2 * math.pi)
    mean, square = a * inside + density, (a**2 + 1) * inside + a * density
    return np.interp(share, 1 - inside, np.maximum(square - mean**2, 1e-6))


def _cosines(n: int) -> np.ndarray:
    """The orthonormal cosine transform of n samples as a matrix (frequency, sample)."""
    u, x = np.mgrid[:n, :n]
    return (np.sqrt(np.where(u == 0, 1, 2) / n) * np.cos(np.pi * (2 * x + 1) * u / (2 * n))).astype(np.float32)


COSINES, GREY_AND_DIFFERENCES = _cosines(SIDE), _cosines(3)
FREQUENCY = np.add.outer(range(SIDE), range(SIDE))
IS_LOW, IS_HIGH, IS_HIGHEST = (FREQUENCY > 0) & (FREQUENCY <= LOW), FREQUENCY >= HIGH, FREQUENCY >= HIGHEST
IS_NOT_LOWEST = FREQUENCY > 1
