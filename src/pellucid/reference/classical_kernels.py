"""Kernels made by hand: binomial blur, Prewitt, Sobel, Gabor. [A16]

They are correlated, not flipped, like every kernel here: Prewitt and Sobel answer to what is brighter on the side of
their positive numbers.
"""

import math

import numpy as np

from pellucid.reference.window import Array

PREWITT_X = np.array([[1.0, 0, -1], [1, 0, -1], [1, 0, -1]])
PREWITT_Y = PREWITT_X.T.copy()
SOBEL_X = np.array([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])
SOBEL_Y = SOBEL_X.T.copy()


def binomial(size: int) -> Array:
    """Rows of Pascal's triangle, one times the other, with sum 1: (size, size). [A16]"""
    row = np.array([math.comb(size - 1, k) for k in range(size)], float)
    kernel: Array = np.outer(row, row) / row.sum() ** 2
    return kernel


def gabor(size: int, wavelength: float, angle: float, deviation: float, phase: float = 0.0) -> Array:
    """A cosine wave along `angle` under a Gaussian, with mean 0: (size, size). [A16]"""
    half = (size - 1) / 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    along = x * math.cos(angle) + y * math.sin(angle)
    window = np.exp(-(x**2 + y**2) / (2 * deviation**2))
    wave = window * np.cos(2 * math.pi * along / wavelength + phase)
    kernel: Array = wave - window * (wave.sum() / window.sum())
    return kernel
