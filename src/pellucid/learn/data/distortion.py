"""Pictures of handwriting bent a little, so that a network sees another hand each time [D13].

Each sample moves by up to `shift` pixels, and each of 4 x 4 points spread over it by up to `elastic` pixels more.
Between the points displacements are interpolated, between pixels brightness is, and beyond the edge all is black.
Simard, Steinkraus and Platt, Best practices for convolutional neural networks, 2003, blur noise; this grid is coarse.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid.errors import UsageError
from pellucid.learn.data.keyed_random import uniform
from pellucid.resample import resize_weights

POINTS = 4
SHIFT, BEND = 7, 8
"""Streams of random numbers; earlier ones are for batches and processes."""


@dataclass(frozen=True)
class Distortion:
    shift: float = 0.0
    elastic: float = 0.0

    def __post_init__(self) -> None:
        for name, value in (("shift", self.shift), ("elastic", self.elastic)):
            if not 0 <= value <= 14:
                raise UsageError(f"recipe: {name} is out of range", seen=value, expected="0 to 14 pixels")

    def __call__(self, pictures: np.ndarray, seed: int, samples: np.ndarray) -> np.ndarray:
        """Bends each picture as its sample's number says. (n, h, w, c) uint8 -> (n, h, w, c) float32 in 0..1"""
        x = pictures.astype(np.float32) / np.float32(255)
        return _moved(x, *self._displacements(seed, samples, x.shape[1:3])) if self.shift or self.elastic else x

    def _displacements(self, seed: int, samples: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """How far from each pixel to look, down and across. -> 2 x (n, h, w) float32"""
        number = samples[:, None]
        whole = self.shift * (2 * uniform(seed, SHIFT, number, np.arange(2)[None]) - 1)  # (n, 2)
        points = self.elastic * (2 * uniform(seed, BEND, number, np.arange(2 * POINTS**2)[None]) - 1)
        rows, columns = (resize_weights(POINTS, n, n / POINTS).dense().astype(np.float32) for n in size)
        bend = rows @ points.astype(np.float32).reshape(-1, 2, POINTS, POINTS) @ columns.T  # (n, 2, h, w)
        total = bend + whole.astype(np.float32)[:, :, None, None]
        return total[:, 0], total[:, 1]


def _moved(x: np.ndarray, down: np.ndarray, across: np.ndarray) -> np.ndarray:
    """x at (row + down, column + across), bilinearly. (n, h, w, c)"""
    n, h, w, c = x.shape
    padded = np.pad(x, ((0, 0), (1, 2), (1, 2), (0, 0))).reshape(-1, c)  # black: one pixel before, two after
    y = np.clip(np.arange(h, dtype=np.float32)[:, None] + down, -1, h) + 1  # (n, h, w), counted in `padded`
    z = np.clip(np.arange(w, dtype=np.float32) + across, -1, w) + 1
    y0, z0 = np.floor(y), np.floor(z)
    v, u = (y - y0)[..., None], (z - z0)[..., None]
    corner = (np.arange(n)[:, None, None] * (h + 3) + y0.astype(np.int64)) * (w + 3) + z0.astype(np.int64)
    above = padded[corner] * (1 - u) + padded[corner + 1] * u
    below = padded[corner + w + 3] * (1 - u) + padded[corner + w + 4] * u
    return above * (1 - v) + below * v
