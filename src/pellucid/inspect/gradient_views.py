"""What gradients show of a network, as arrays: measured by `pellucid.learn.inspect`, which has torch, and drawn by the
page, which has not. Here are only the words both share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pellucid.inspect.unit_activity import Finding

VANISHED, EXPLODED = 1e-3, 1e3


@dataclass(frozen=True)
class Flow:
    """[E7] Of one layer with weights: the size of what it puts out, and of the loss's gradient there and at its
    weights; sizes are root mean squares."""

    layer: str
    activation: float
    gradient: float
    weight_gradient: float


@dataclass(frozen=True)
class EffectiveField:
    """[E5] `weight` is (h, w), sums to 1; `deviation` its spread (y, x); `box` (y0, y1, x0, x1) holds what counts."""

    weight: np.ndarray
    deviation: tuple[float, float]
    box: tuple[int, int, int, int]


@dataclass(frozen=True)
class Attribution:
    """[E5] Which input pixels made one number of the answer what it is, beside what it is without details.

    `weight` is (h, w), signed, and adds up to `answer - without` but for the error of the path's steps; `without` is
    the answer to the same picture `blur` pixels out of focus; `place` is (y, x) in the answer, `at` in the picture.
    `evenness` is 0 where one pixel counts alone and 1 where all that can count do so alike.
    """

    weight: np.ndarray
    place: tuple[int, int]
    at: tuple[int, int]
    answer: float
    without: float
    blur: float
    evenness: float


@dataclass(frozen=True)
class Pattern:
    """[E4] What excites one unit: `picture` (h, w, 1 or 3) in 0..1; the unit's mean at the start and at the end."""

    layer: str
    unit: int
    picture: np.ndarray
    before: float
    after: float


@dataclass
class GradientViews:
    """All of one network; a view is empty or None where it does not apply, `left_out` says why."""

    flow: list[Flow] = field(default_factory=list)
    at_start: list[Flow] = field(default_factory=list)  # the same layers with weights drawn anew
    effective: EffectiveField | None = None
    attribution: Attribution | None = None
    patterns: list[Pattern] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)

    def by_layer(self) -> dict[str, list[Pattern]]:
        """The patterns of each layer."""
        layers: dict[str, list[Pattern]] = {}
        for pattern in self.patterns:
            layers.setdefault(pattern.layer, []).append(pattern)
        return layers


def flow_verdict(flow: Sequence[Flow]) -> Finding:
    """One sentence on the gradient's way from the last layer to the first."""
    first, last = flow[0].gradient, flow[-1].gradient
    ratio = first / last if last else 0.0
    size = f"{ratio:.2g} of" if ratio < 1 else f"{ratio:.2g} times"
    way = f"the gradient at {flow[0].layer} is {size} that at {flow[-1].layer}"
    if not ratio > VANISHED:
        return Finding(flow[0].layer, False, f"Gradients vanish: {way}; the first layers hardly learn.")
    if not ratio < EXPLODED:
        harm = "steps of a size that suits the last layers destroy the first"
        return Finding(flow[0].layer, False, f"Gradients explode: {way}; {harm}.")
    return Finding("", True, f"Gradients arrive: {way}.")
