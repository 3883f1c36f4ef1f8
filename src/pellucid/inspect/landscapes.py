"""[E8] Optimisers on four landscapes of two dimensions: where each goes, and how many steps it needs.

Each has a closed form with its gradient, a start, and a value that counts as arrived. What an optimiser does here is no
promise for millions of weights; it shows what its formula is for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.reference import optimisers

Point = np.ndarray  # (2,): (x, y)


@dataclass(frozen=True)
class Landscape:
    """`window` is (x0, x1, y0, y1), `goal` the value that counts as arrived."""

    name: str
    value: Callable[[Any, Any], Any]
    gradient: Callable[[float, float], tuple[float, float]]
    start: tuple[float, float]
    goal: float
    window: tuple[float, float, float, float]
    about: str


@dataclass(frozen=True)
class Path:
    """`points` is (steps + 1, 2); `arrived` the first step at the goal, None where there is none."""

    landscape: str
    optimiser: str
    rate: float
    points: np.ndarray
    arrived: int | None


def _beale(x: Any, y: Any) -> Any:
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def _beale_gradient(x: float, y: float) -> tuple[float, float]:
    a, b, c = 1.5 - x + x * y, 2.25 - x + x * y**2, 2.625 - x + x * y**3
    return (
        2 * (a * (y - 1) + b * (y**2 - 1) + c * (y**3 - 1)),
        2 * x * (a + 2 * b * y + 3 * c * y**2),
    )


LANDSCAPES = (
    Landscape(
        "valley",
        lambda x, y: (x**2 + 30 * y**2) / 2,
        lambda x, y: (x, 30 * y),
        (-4.0, 1.0),
        1e-3,
        (-5, 2, -1.5, 1.5),
        "thirty times as steep across as along",
    ),
    Landscape(
        "Rosenbrock",
        lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2,
        lambda x, y: (2 * (x - 1) - 400 * x * (y - x**2), 200 * (y - x**2)),
        (-1.2, 1.0),
        1e-3,
        (-2, 2, -1, 3),
        "a bent valley with a flat floor",
    ),
    Landscape("Beale", _beale, _beale_gradient, (1.0, 1.5), 1e-3, (-1, 4.5, -1.5, 2), "plains between walls"),
    Landscape(
        "saddle",
        lambda x, y: x**2 / 2 + y**4 / 4 - y**2 / 2,
        lambda x, y: (x, y**3 - y),
        (-1.5, 1e-3),
        -0.249,
        (-2, 2.4, -0.5, 1.5),
        "a pass between two basins, entered almost along its ridge",
    ),
)
"""The saddle's basins lie at y = -1 and 1 with the value -1/4; the other minima have the value 0."""

OPTIMISERS: dict[str, Callable[[float], Any]] = {
    "gradient descent": optimisers.GradientDescent,
    "momentum": optimisers.Momentum,
    "Nesterov": optimisers.Nesterov,
    "Adagrad": optimisers.Adagrad,
    "RMSProp": optimisers.RMSProp,
    "Adadelta": optimisers.Adadelta,
    "Adam": optimisers.Adam,
    "AdamW": optimisers.AdamW,
}
RATES = tuple(10.0**e for e in np.arange(-4, 0.01, 0.25))
"""Up to 1: beyond, a lucky throw lands in the goal, and a decay of rate times 0.01 pulls the point to the origin."""
STEPS = 1000
FAR = 1e3


def race(steps: int = STEPS, progress: Callable[[int, int, str], None] | None = None) -> list[Path]:
    """[E8] Every optimiser of the textbook on every landscape, each at the rate of a grid that serves it best."""
    pairs = [(landscape, name) for landscape in LANDSCAPES for name in OPTIMISERS]
    paths = []
    for done, (landscape, name) in enumerate(pairs):
        if progress:
            progress(done, len(pairs), f"{name} on {landscape.name}")
        paths.append(best_path(landscape, name, steps))
    return paths


def best_path(landscape: Landscape, optimiser: str, steps: int = STEPS) -> Path:
    """At the rate that arrives first, or that ends lowest where none arrives."""
    best: Path | None = None
    limit = steps
    for rate in RATES:
        path = walk(landscape, optimiser, rate, limit)
        if best is None or _merit(landscape, path) < _merit(landscape, best):
            best = path
        limit = limit if path.arrived is None else path.arrived - 1  # whoever is slower need not be followed
        if not limit:
            break
    assert best is not None
    return best


def _merit(landscape: Landscape, path: Path) -> tuple[float, float]:
    end = float(landscape.value(*path.points[-1]))
    return (np.inf if path.arrived is None else path.arrived, end if np.isfinite(end) else np.inf)


def walk(landscape: Landscape, optimiser: str, rate: float, steps: int = STEPS) -> Path:
    """From the landscape's start; it ends at the goal, after `steps`, or where it has run away."""
    moving, point = OPTIMISERS[optimiser](rate), np.array(landscape.start)
    points = [point]
    for step in range(1, steps + 1):
        point = moving.step(point, np.array(landscape.gradient(*point)))
        points.append(point)
        if not np.all(np.abs(point) < FAR):
            break
        if landscape.value(*point) <= landscape.goal:
            return Path(landscape.name, optimiser, rate, np.stack(points), step)
    return Path(landscape.name, optimiser, rate, np.stack(points), None)
