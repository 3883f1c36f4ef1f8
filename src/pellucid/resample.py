"""Changing a picture's size the way MATLAB's `imresize` does, because published super-resolution figures assume it.

Bicubic (a = -0.5), antialiased when shrinking, edge pixels repeated outwards, output size rounded up, pixel centres as
MATLAB places them. (Its releases differ at the edges: the older ones, which made the usual test files, repeat the edge
pixel; newer ones mirror. The edge is all they differ in, and the usual border cut hides it.) Each axis is a sparse
matrix, `resize_weights`, which the trainer also multiplies its crops by. `RowResampler` works row by row in bounded
memory, with the same bits as the whole. Beside it stands the plain box average of the first document. This file is no
general resampling library: one kernel, and nothing about files or colour.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pellucid.errors import UsageError

KERNEL_WIDTH = 4.0


@dataclass(frozen=True)
class ResizeWeights:
    """One axis of a resize: output `i` is the sum over t of `weights[i, t] * input[indices[i, t]]`."""

    n_in: int
    indices: np.ndarray  # (n_out, taps) int64, each in 0..n_in-1; an edge pixel may appear several times
    weights: np.ndarray  # (n_out, taps) float64, rows sum to 1

    def dense(self) -> np.ndarray:
        """The same as a matrix (n_out, n_in) float64: `dense() @ column` is the resized column."""
        matrix = np.zeros((len(self.indices), self.n_in))
        np.add.at(matrix, (np.arange(len(self.indices))[:, None], self.indices), self.weights)
        return matrix


def cubic(x: np.ndarray) -> np.ndarray:
    """Keys' cubic with a = -0.5: 1.5|x|^3 - 2.5|x|^2 + 1 up to 1, -0.5|x|^3 + 2.5|x|^2 - 4|x| + 2 up to 2."""
    d = np.abs(x)
    near = (1.5 * d - 2.5) * d * d + 1
    far = ((-0.5 * d + 2.5) * d - 4) * d + 2
    return np.where(d <= 1, near, np.where(d <= 2, far, 0.0))


@lru_cache(maxsize=64)
def resize_weights(n_in: int, n_out: int, scale: float) -> ResizeWeights:
    """The weights of one axis from `n_in` to `n_out` samples at `scale` (output over input), as MATLAB makes them.

    [C2] When shrinking, the kernel is stretched by 1/scale, so that it also removes what the smaller picture cannot
    hold. The arrays are shared between calls and therefore read-only.
    """
    if n_in < 1 or n_out < 1 or not (math.isfinite(scale) and scale > 0):
        raise UsageError("a size that no picture can have", seen=f"{n_in} -> {n_out} at scale {scale}")
    stretch = min(scale, 1.0)
    width = KERNEL_WIDTH / stretch
    centre = np.arange(1, n_out + 1) / scale + 0.5 * (1 - 1 / scale)  # MATLAB counts pixels from 1
    first = np.floor(centre - width / 2)
    position = first[:, None] + np.arange(math.ceil(width) + 2)  # (n_out, taps)
    weights = stretch * cubic(stretch * (centre[:, None] - position))
    weights /= weights.sum(axis=1, keepdims=True)
    indices = np.clip(position.astype(np.int64) - 1, 0, n_in - 1)
    used = np.any(weights != 0, axis=0)
    indices, weights = np.ascontiguousarray(indices[:, used]), np.ascontiguousarray(weights[:, used])
    indices.flags.writeable = weights.flags.writeable = False
    return ResizeWeights(n_in, indices, weights)


def imresize(x: np.ndarray, scale: float | None = None, *, size: tuple[int, int] | None = None) -> np.ndarray:
    """The picture (h, w, c) at another size: `scale` times as large (rounded up), or exactly `size` = (h, w).

    [C2] Floats stay floats and are not clipped; uint8 and uint16 are rounded, halves away from zero, and clipped, once
    per axis as MATLAB does. The axis that shrinks more goes first, rows before columns where they are equal.
    """
    _check_picture(x)
    if (scale is None) == (size is None):
        raise UsageError("a new size is needed", seen=f"scale={scale}, size={size}", expected="exactly one of the two")
    if size is None:
        assert scale is not None
        size, scales = output_size(x.shape[0], x.shape[1], scale), (scale, scale)
    else:
        scales = (size[0] / x.shape[0], size[1] / x.shape[1])
    for axis in sorted((0, 1), key=lambda axis: scales[axis]):
        x = _along(x, axis, resize_weights(x.shape[axis], size[axis], scales[axis]))
    return x


def output_size(h: int, w: int, scale: float) -> tuple[int, int]:
    """The size of a picture (h, w) after scaling: rounded up, as MATLAB rounds."""
    if not (math.isfinite(scale) and scale > 0):
        raise UsageError("the scale is not a size", seen=scale, expected="a positive number")
    return math.ceil(h * scale), math.ceil(w * scale)


def box_average(x: np.ndarray, factor: int) -> np.ndarray:
    """The mean of each `factor` x `factor` block, the first document's down-scaling. (h, w, c) -> (h/f, w/f, c) [C2]"""
    _check_picture(x)
    h, w, c = x.shape
    if factor < 1 or h % factor or w % factor:
        raise UsageError("the box average needs whole blocks", seen=f"{h} x {w} by {factor}", expected="a multiple")
    blocks = x.reshape(h // factor, factor, w // factor, factor, c)
    return _like(blocks.mean(axis=(1, 3), dtype=_working_type(x.dtype)), x.dtype)


class RowResampler:
    """Enlarges or shrinks a picture whose rows come one after another, for example an alpha channel.

    `push` takes any number of rows (k, w, c) and returns those output rows (m, w_out, c) that no later row can change.
    After the last of the `h` rows has been pushed, all output rows have been returned. Between calls it holds only the
    rows that the kernel still reaches, and the result has the same bits as `imresize(whole, scale)`.
    """

    def __init__(self, h: int, w: int, scale: float) -> None:
        out_h, out_w = output_size(h, w, scale)
        self._down, self._across = resize_weights(h, out_h, scale), resize_weights(w, out_w, scale)
        self._last_needed = np.maximum.accumulate(
            self._down.indices.max(axis=1)
        )  # (out_h,): this output row or earlier
        first_needed = self._down.indices.min(axis=1)
        self._still_needed = np.minimum.accumulate(first_needed[::-1])[::-1]  # by it or a later one
        self._rows: deque[np.ndarray] = deque()
        self._row0 = 0  # the number of the row at the front of the queue
        self._received = 0
        self._channels, self._dtype = 1, np.dtype(np.float32)  # until the first rows say otherwise
        self._done = 0

    def push(self, rows: np.ndarray) -> np.ndarray:
        """Takes the next rows and returns the output rows that are final, perhaps none."""
        _check_picture(rows)
        if rows.shape[1] != self._across.n_in or self._received + len(rows) > self._down.n_in:
            raise UsageError(
                "rows that do not belong to this picture",
                seen=f"{len(rows)} rows of {rows.shape[1]} after {self._received}",
                expected=f"{self._down.n_in} rows of {self._across.n_in} in all",
            )
        self._channels, self._dtype = rows.shape[2], rows.dtype
        self._rows.extend(rows.copy())
        self._received += len(rows)
        ready = int(np.searchsorted(self._last_needed, self._received))
        out = self._rows_between(self._done, ready)
        self._done = ready
        self._forget()
        return out

    def finish(self) -> np.ndarray:
        """The rows still due after the last one was pushed: always none; refuses a picture that is not complete."""
        if self._received != self._down.n_in:
            raise UsageError("the picture's rows ended early", seen=self._received, expected=f"{self._down.n_in} rows")
        return np.empty((0, len(self._across.indices), self._channels), self._dtype)

    def _rows_between(self, start: int, stop: int) -> np.ndarray:
        if start == stop:
            return np.empty((0, len(self._across.indices), self._channels), self._dtype)
        held = np.stack(self._rows)  # (rows held, w, c)
        window = ResizeWeights(len(held), self._down.indices[start:stop] - self._row0, self._down.weights[start:stop])
        return _along(_along(held, 0, window), 1, self._across)

    def _forget(self) -> None:
        keep = self._still_needed[self._done] if self._done < len(self._still_needed) else self._received
        while self._row0 < keep and self._rows:
            self._rows.popleft()
            self._row0 += 1


def _along(x: np.ndarray, axis: int, resize: ResizeWeights) -> np.ndarray:
    """One axis resized. Taps are added in a fixed order, element by element, so a part has the bits of the whole."""
    working = _working_type(x.dtype)
    shape = (-1, 1, 1) if axis == 0 else (1, -1, 1)
    weights = resize.weights.astype(working)
    total = np.zeros([len(weights) if i == axis else n for i, n in enumerate(x.shape)], working)
    for tap in range(weights.shape[1]):
        total += weights[:, tap].reshape(shape) * np.take(x, resize.indices[:, tap], axis=axis)
    return _like(total, x.dtype)


def _working_type(dtype: np.dtype) -> np.dtype:
    """Integers are summed in float64, as MATLAB does, so that ties fall the same way; floats stay what they are."""
    return np.dtype(np.float32) if dtype == np.float32 else np.dtype(np.float64)


def _like(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Back to the input's type; whole numbers are rounded half away from zero and clipped."""
    if dtype.kind == "f":
        return x.astype(dtype, copy=False)
    return np.clip(np.floor(x + 0.5), 0, np.iinfo(dtype).max).astype(dtype)  # below zero is clipped anyway


def _check_picture(x: np.ndarray) -> None:
    if x.ndim != 3 or x.dtype not in (np.uint8, np.uint16, np.float32, np.float64):
        raise UsageError(
            "not a picture", seen=f"{x.dtype} {x.shape}", expected="(h, w, c) of uint8, uint16, float32 or float64"
        )
