"""Resampling to another size: nearest, bilinear, bicubic, area, with torch's conventions. [A7]

All four are separable: along each axis the output is a matrix times the input, so the gradient is the transposed
matrix times the gradient. Where output j lies among the inputs:

    corners not aligned   (j + 1/2) * in / out - 1/2     pixels are areas; the default
    corners aligned       j * (in - 1) / (out - 1)       pixels are points; first and last stay where they are

A given `scale` stands for out / in in the first line, and the size is floor(in * scale). Nothing is smoothed before
shrinking; `pellucid.resample` does that. "bilinear" is linear along one axis, trilinear along three.
"""

import math

import numpy as np

from pellucid.errors import UsageError, unknown_name
from pellucid.reference.window import Array, per_dimension

MODES = ["nearest", "bilinear", "bicubic", "area"]
_CUBIC = -0.75  # torch's parameter of the cubic; MATLAB's and Keys's own is -0.5


def resize(
    x: Array,
    size: tuple[int, ...] | None = None,
    *,
    scale: float | tuple[float, ...] | None = None,
    mode: str = "bilinear",
    align_corners: bool = False,
) -> Array:
    """(n, *in, c) -> (n, *out, c), one axis after the other: y = M x. [A7]"""
    for axis, matrix in enumerate(_matrices(x.shape[1:-1], size, scale, mode, align_corners), start=1):
        x = np.moveaxis(np.tensordot(matrix, x, (1, axis)), 0, axis)
    return x


def resize_backward_data(
    dy: Array,
    size_in: tuple[int, ...],
    size: tuple[int, ...] | None = None,
    *,
    scale: float | tuple[float, ...] | None = None,
    mode: str = "bilinear",
    align_corners: bool = False,
) -> Array:
    """dx = M^T dy, one axis after the other; `size_in` is the input's. [A7]"""
    for axis, matrix in enumerate(_matrices(size_in, size, scale, mode, align_corners), start=1):
        dy = np.moveaxis(np.tensordot(matrix.T, dy, (1, axis)), 0, axis)
    return dy


def resize_matrix(
    length: int, output: int, mode: str, align_corners: bool = False, ratio: float | None = None
) -> Array:
    """The matrix (output, length) of one axis; `ratio` is in / out unless a given scale says otherwise. [A7]"""
    j = np.arange(output)
    if mode == "area":
        starts, ends = j * length // output, -(-(j + 1) * length // output)
        inside = (np.arange(length) >= starts[:, None]) & (np.arange(length) < ends[:, None])
        return inside / (ends - starts)[:, None]
    if mode == "nearest":
        nearest = j * length // output if ratio is None else np.floor(j * ratio).astype(int)
        return np.eye(length)[np.minimum(nearest, length - 1)]
    if align_corners:
        at: Array = j * (length - 1) / max(output - 1, 1)
    else:
        at = (j + 0.5) * (length / output if ratio is None else ratio) - 0.5
    if mode == "bilinear":
        return _interpolate(at, length, (0, 1), lambda d: 1 - d)
    if mode == "bicubic":
        return _interpolate(at, length, (-1, 0, 1, 2), _cubic)
    raise unknown_name("resampling mode", mode, MODES)


def _interpolate(at: Array, length: int, neighbours: tuple[int, ...], weight) -> Array:
    """Each output adds up its neighbours, weighted by distance; beyond the ends the end samples repeat."""
    matrix = np.zeros((len(at), length))
    first = np.floor(at).astype(int)
    for k in neighbours:
        columns = np.clip(first + k, 0, length - 1)
        matrix[np.arange(len(at)), columns] += weight(np.abs(at - first - k))
    return matrix


def _cubic(d: Array) -> Array:
    """The piecewise cubic of Keys, 1 at distance 0 and 0 at 1 and from 2 on."""
    a = _CUBIC
    near = (a + 2) * d**3 - (a + 3) * d**2 + 1
    far = a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a
    return np.where(d <= 1, near, far)


def _matrices(
    size_in: tuple[int, ...],
    size: tuple[int, ...] | None,
    scale: float | tuple[float, ...] | None,
    mode: str,
    align_corners: bool,
) -> list[Array]:
    if (size is None) == (scale is None):
        raise UsageError("resize needs a size or a scale", seen=f"size {size}, scale {scale}", expected="one of them")
    if size is not None:
        return [resize_matrix(length, out, mode, align_corners) for length, out in zip(size_in, size, strict=True)]
    scales = (scale,) * len(size_in) if isinstance(scale, (int, float)) else per_dimension(scale, len(size_in))
    return [
        resize_matrix(length, math.floor(length * s), mode, align_corners, 1 / s)
        for length, s in zip(size_in, scales, strict=True)
    ]
