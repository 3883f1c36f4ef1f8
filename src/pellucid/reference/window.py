"""Where a sliding window lies, in any number of dimensions: output sizes, padding, and the samples under each tap.

Convolution and pooling both slide a window; what they do with the samples is theirs. This file only says which sample
of the padded input lies under tap k of the window at output position i: number i * stride + k * dilation.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import UsageError

Array = NDArray[Any]
PerDimension = int | tuple[int, ...]
Padding = int | tuple[int, ...] | tuple[tuple[int, int], ...]
"""One number, one per dimension, or a pair (before, after) per dimension."""


@dataclass(frozen=True)
class Window:
    """A window and how it slides; each field has one entry per spatial dimension."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    ceil_mode: bool = False

    @property
    def reach(self) -> tuple[int, ...]:
        """From the first sample under the window to the last, both counted: dilation * (kernel - 1) + 1."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    def output_size(self, size: tuple[int, ...]) -> tuple[int, ...]:
        """(size + padding - dilation * (kernel - 1) - 1) // stride + 1, per dimension.

        With `ceil_mode` the division rounds up, so that a last window may hang over the end, but every window must
        begin inside the input or the padding before it.
        """
        sizes = []
        for length, reach, s, (before, after) in zip(size, self.reach, self.stride, self.padding, strict=True):
            room = length + before + after - reach
            count = (-(-room // s) if self.ceil_mode else room // s) + 1
            if self.ceil_mode and (count - 1) * s >= length + before:
                count -= 1
            if room < 0 and count < 1:
                raise UsageError("the window is larger than its input", seen=f"{size}", expected=f"at least {reach}")
            sizes.append(count)
        return tuple(sizes)

    def pad(self, x: Array, value: float = 0.0) -> Array:
        """(n, *size, c) -> (n, *padded, c): every window lies inside the result."""
        return np.pad(x, [(0, 0), *self._margins(x.shape[1:-1]), (0, 0)], constant_values=value)

    def unpad(self, x: Array, size: tuple[int, ...]) -> Array:
        """(n, *padded, c) -> (n, *size, c): takes away what `pad` added."""
        inner = [slice(before, before + length) for (before, _), length in zip(self.padding, size, strict=True)]
        return x[(slice(None), *inner)]

    def taps(self, output: tuple[int, ...]) -> Iterator[tuple[tuple[Any, ...], tuple[slice, ...]]]:
        """For each tap k its index and the slices of the padded input that lie under it: i * stride + k * dilation."""
        for tap in np.ndindex(*self.kernel):
            samples = (
                slice(k * d, k * d + (count - 1) * s + 1, s)
                for k, d, s, count in zip(tap, self.dilation, self.stride, output, strict=True)
            )
            yield tap, (slice(None), *samples)

    def _margins(self, size: tuple[int, ...]) -> list[tuple[int, int]]:
        """Before and after: the padding, and what a last window that hangs over the end needs beyond it."""
        margins = []
        for length, count, reach, s, (before, after) in zip(
            size, self.output_size(size), self.reach, self.stride, self.padding, strict=True
        ):
            margins.append((before, max(after, (count - 1) * s + reach - length - before)))
        return margins


def window(
    kernel: tuple[int, ...],
    stride: PerDimension = 1,
    padding: Padding = 0,
    dilation: PerDimension = 1,
    ceil_mode: bool = False,
) -> Window:
    """A window from numbers that stand for all dimensions, or tuples with one entry for each."""
    dims = len(kernel)
    pairs = tuple((p, p) if isinstance(p, int) else p for p in per_dimension(padding, dims))
    return Window(tuple(kernel), per_dimension(stride, dims), pairs, per_dimension(dilation, dims), ceil_mode)


def per_dimension(value: Any, dims: int) -> tuple[Any, ...]:
    """One number for all dimensions, or a tuple that has one entry for each."""
    entries = tuple(value) if isinstance(value, (tuple, list)) else (value,) * dims
    if len(entries) != dims:
        raise UsageError("wrong number of entries", seen=f"{value}", expected=f"one number or {dims} entries")
    return entries
