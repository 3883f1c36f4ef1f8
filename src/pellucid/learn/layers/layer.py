"""One layer of a run, as the operators see it: a convolution's numbers and the activation after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

NUMBERS = 7
"""How many integers describe one layer's geometry."""
SMALLEST_SLOPE = 1e-6
"""Of slopes through which the values before an activation can be told from those after it."""


class Geometry(NamedTuple):
    """Zeros around the map are the same at opposite edges."""

    stride: tuple[int, int]  # y x, as all pairs
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int

    def numbers(self) -> list[int]:
        return [*self.stride, *self.padding, *self.dilation, self.groups]

    def output_size(self, size: Sequence[int], kernel: Sequence[int]) -> list[int]:
        terms = zip(size, kernel, self.stride, self.padding, self.dilation, strict=True)
        return [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in terms]


def geometries(numbers: Sequence[int]) -> list[Geometry]:
    rows = (numbers[i : i + NUMBERS] for i in range(0, len(numbers), NUMBERS))
    return [Geometry((a, b), (c, d), (e, f), g) for a, b, c, d, e, f, g in rows]


class Layer(NamedTuple):
    weight: Tensor  # (oc, ic / groups, kh, kw)
    bias: Tensor  # (oc), or empty
    geometry: Geometry
    relu: bool
    slope: Tensor  # of negative numbers: (oc), one for all, or empty without such an activation

    @property
    def active(self) -> bool:
        return self.relu or len(self.slope) > 0

    @property
    def hides(self) -> bool:
        """Whether what the activation gives does not tell what it took, and a gradient asks for that."""
        return len(self.slope) > 0 and float(self.slope.min()) < SMALLEST_SLOPE

    def bare(self) -> Layer:
        return self._replace(relu=False, slope=self.slope[:0])

    def of_slope(self, sums: Tensor, hides: bool) -> Tensor:
        """The slope's gradient from sums, a channel each, of gradient times what the activation took or, if it does not
        hide that, gave."""
        of_channels = sums if hides else sums / self.slope
        return of_channels.sum().reshape(1) if len(self.slope) == 1 else of_channels


def layers_of(
    weights: Sequence[Tensor],
    biases: Sequence[Tensor],
    numbers: Sequence[int],
    relu: Sequence[bool],
    slopes: Sequence[Tensor],
) -> list[Layer]:
    return [Layer(*parts) for parts in zip(weights, biases, geometries(numbers), relu, slopes, strict=True)]
