"""[E9] What a network makes of a picture that moves: equivariance to shifts, stability under small ones, and bending.

A convolutional net's answer should move with the picture. It does so exactly for shifts by a whole number of its steps,
and less so for those between; it should bend where the picture bends. Errors are norms of differences over the norm of
the answer's own variation, away from the edges, so 1 means "as different as two unrelated pictures".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from pellucid.inspect.as_input import as_input
from pellucid.inspect.receptive_fields import ReceptiveField, receptive_field

if TYPE_CHECKING:
    from pellucid.network import Network

SHIFTS, BENDINGS = 8, (0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Equivariance:
    """`error` belongs to a shift by `stride` pixels, where it should be rounding; lists are (pixels, error)."""

    stride: int
    error: float
    stability: tuple[tuple[int, float], ...]
    bending: tuple[tuple[float, float], ...]
    is_map: bool  # whether the answer has places, and so can move; else it should stay
    edges: bool  # whether the picture's edges reach even the middle of the answer, and so the errors


def equivariance(net: Network, picture: np.ndarray) -> Equivariance:
    """[E9] Measured on one picture: a window on it moves right by 1 to 8 pixels, and by the net's stride."""
    x = as_input(net, picture)[0]  # (h, w, c)
    fields = receptive_field(net)
    stride = whole_step(fields, net.graph.multiple)
    still = fields[-1].whole
    span = max(SHIFTS, stride)
    m = net.graph.multiple
    h, w = net.graph.size or (_floor(x.shape[0], m), _floor(max(x.shape[1] - span, 2 * span), m))
    missing = max(0, h - x.shape[0]), max(0, w + span - x.shape[1])
    wide = np.pad(x, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="symmetric")[:h]
    ratio = Fraction(0) if still else 1 / fields[-1].x.jump
    margin = 0 if still else math.ceil(ratio * max(-fields[-1].x.low, fields[-1].x.high, fields[-1].y.high))
    answers = {s: _run(net, wide[:, s : s + w]) for s in {0, stride, *range(1, SHIFTS + 1)}}

    def error(shift: int) -> float:
        moved = round(shift * ratio)
        a, b = answers[0], answers[shift]
        return _different(a[:, moved:], b[:, : b.shape[1] - moved], margin)

    edges = not still and margin > _widest(answers[0])
    bending = tuple((a, _bending_error(net, wide[:, :w], answers[0], a, ratio, margin)) for a in BENDINGS)
    stability = tuple((s, error(s)) for s in range(1, SHIFTS + 1))
    return Equivariance(stride, error(stride), stability, bending, not still, edges)


def _run(net: Network, x: np.ndarray) -> np.ndarray:
    return net.run(np.ascontiguousarray(x[None]), "fp32")[0].astype(np.float64)


def whole_step(fields: list[ReceptiveField], multiple: int) -> int:
    """The shift in pixels that moves every layer's map by a whole number of its own pixels."""
    jumps = [field.x.jump for field in fields if not field.whole] or [Fraction(1)]
    return math.lcm(multiple, *(jump.numerator if jump >= 1 else 1 for jump in jumps))


def _floor(side: int, multiple: int) -> int:
    return max(multiple, side // multiple * multiple)


def _different(a: np.ndarray, b: np.ndarray, margin: int) -> float:
    """The norm of the difference over that of a's variation about its mean, away from the edges."""
    m = min(margin, _widest(a))
    a, b = (v[m : v.shape[0] - m, m : v.shape[1] - m] for v in (a, b))
    variation = float(np.linalg.norm(a - a.mean()))
    return float(np.linalg.norm(a - b)) / variation if variation else 0.0


def _widest(answer: np.ndarray) -> int:
    """The most that may be cut from each side: fields larger than the answer leave its middle third."""
    return (min(answer.shape[:2]) - 1) // 3


def _bending_error(
    net: Network, x: np.ndarray, answer: np.ndarray, amplitude: float, ratio: Fraction, margin: int
) -> float:
    """The answer to the bent picture against the bent answer, or against the answer where that has no places."""
    bent = _run(net, _bent(x, amplitude, x.shape[1]).astype(np.float32))
    expected = _bent(answer, amplitude * float(ratio), answer.shape[1]) if ratio else answer
    return _different(expected, bent, margin)


def _bent(x: np.ndarray, amplitude: float, period: float) -> np.ndarray:
    """Columns moved by a sine of this amplitude in pixels, one wave over the width, by linear interpolation."""
    w = x.shape[1]
    at = np.clip(np.arange(w) + amplitude * np.sin(2 * np.pi * (np.arange(w) + 0.5) / period), 0, w - 1)
    left = np.minimum(at.astype(int), max(w - 2, 0))
    part = (at - left)[None, :, None]
    return x[:, left] * (1 - part) + x[:, np.minimum(left + 1, w - 1)] * part
