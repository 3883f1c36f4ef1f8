"""Black-box, first-order and second-order steps on small problems [A13]: what a step knows, and what it costs.

A black box tries random steps and keeps what helps; gradient descent and Newton's method shorten theirs until it helps.
The cost of knowing counts as numbers told: 1 for a value, n for a gradient, n (n + 1) / 2 for a Hessian.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pellucid.learn.experiments.drawing import curves, sheet
from pellucid.learn.experiments.experiment import Claim, Experiment, Outcome, Progress

Array = np.ndarray


@dataclass(frozen=True)
class Settings:
    seed: int = 0
    dimensions: tuple[int, ...] = (2, 5, 10, 20)
    goal: float = 1e-6
    steps: int = 100_000


@dataclass(frozen=True)
class Problem:
    value: Callable[[Array], float]
    gradient: Callable[[Array], Array]
    hessian: Callable[[Array], Array]
    start: Array


def bowl(n: int) -> Problem:
    """A quadratic a hundred times as steep along one axis as along another."""
    steepness = np.logspace(0, 2, n)
    return Problem(
        lambda x: float(np.sum(steepness * x**2) / 2),
        lambda x: steepness * x,
        lambda x: np.diag(steepness),
        np.ones(n),
    )


def rosenbrock(n: int) -> Problem:
    """A bent valley through every pair of neighbouring coordinates, its end at (1, ... 1)."""

    def value(x: Array) -> float:
        return float(np.sum(10 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))

    def gradient(x: Array) -> Array:
        g = np.zeros(n)
        off = x[1:] - x[:-1] ** 2
        g[:-1] = -40 * off * x[:-1] - 2 * (1 - x[:-1])
        g[1:] += 20 * off
        return g

    def hessian(x: Array) -> Array:
        h = np.zeros((n, n))
        i = np.arange(n - 1)
        h[i, i] = 120 * x[:-1] ** 2 - 40 * x[1:] + 2
        h[i + 1, i + 1] += 20
        h[i, i + 1] = h[i + 1, i] = -40 * x[:-1]
        return h

    return Problem(value, gradient, hessian, np.full(n, 0.5))


PROBLEMS = {"bowl": bowl, "Rosenbrock": rosenbrock}


def black_box(problem: Problem, settings: Settings) -> tuple[int, int, bool]:
    """Random steps whose length grows after a success and shrinks after a failure, to one success in five."""
    rng, x = np.random.default_rng(settings.seed), problem.start
    best, length = problem.value(x), 0.3
    for step in range(1, settings.steps + 1):
        candidate = x + length * rng.normal(size=len(x))
        found = problem.value(candidate)
        if found < best:
            x, best, length = candidate, found, length * 1.5
        else:
            length *= 1.5**-0.25
        if best <= settings.goal:
            return step, step, True
    return settings.steps, settings.steps, False


def first_order(problem: Problem, settings: Settings) -> tuple[int, int, bool]:
    return _descend(problem, settings, lambda x, g: -g, 0)


def second_order(problem: Problem, settings: Settings) -> tuple[int, int, bool]:
    """Newton's step, on a Hessian made positive where it is not."""

    def direction(x: Array, g: Array) -> Array:
        values, axes = np.linalg.eigh(problem.hessian(x))
        found: Array = -axes @ ((axes.T @ g) / np.maximum(np.abs(values), 1e-6))
        return found

    n = len(problem.start)
    return _descend(problem, settings, direction, n * (n + 1) // 2)


def _descend(
    problem: Problem, settings: Settings, direction: Callable[[Array, Array], Array], more: int
) -> tuple[int, int, bool]:
    """Steps in a direction, halved until they descend enough, the next one tried at twice the length, at most 1."""
    x, told, length = problem.start, 1, 1.0
    height = problem.value(x)
    for step in range(1, settings.steps + 1):
        g = problem.gradient(x)
        d = direction(x, g)
        told += len(x) + more
        length = min(1.0, 2 * length)
        while True:
            told += 1
            found = problem.value(x + length * d)
            if found <= height + 1e-4 * length * float(g @ d) or length < 1e-12:
                break
            length /= 2
        x, height = x + length * d, found
        if height <= settings.goal:
            return step, told, True
    return settings.steps, told, False


ORDERS = {"black box": black_box, "gradient": first_order, "Newton": second_order}


def run(settings: Settings, data: None, progress: Progress) -> Outcome:
    """[A13] Steps, and numbers told, to a value at the goal, by dimension."""
    found: dict[str, dict[str, dict[str, list[float]]]] = {}
    done, total = 0, len(PROBLEMS) * len(ORDERS) * len(settings.dimensions)
    for problem, make in PROBLEMS.items():
        found[problem] = {}
        for order, walk in ORDERS.items():
            entry: dict[str, list[float]] = {"steps": [], "numbers told": [], "arrived": []}
            for n in settings.dimensions:
                progress(done, total, f"{order} on {problem}, {n} dimensions")
                done += 1
                for key, value in zip(entry, walk(make(n), settings), strict=True):
                    entry[key].append(value)
            found[problem][order] = entry
    figure, axes = sheet(1, 2 * len(PROBLEMS), 3.2, 3.0)
    for i, (problem, orders) in enumerate(found.items()):
        for j, key in enumerate(("steps", "numbers told")):
            lines = {order: (settings.dimensions, entry[key]) for order, entry in orders.items()}
            curves(axes[0, 2 * i + j], lines, problem, "dimensions", key, log="xy", marks="o")
    return Outcome({"dimensions": list(settings.dimensions), **found}, _claims(settings, found), figure)


def _claims(settings: Settings, found) -> tuple[Claim, ...]:  # type: ignore[no-untyped-def]
    claims = []
    for problem, orders in found.items():
        steps = {order: int(entry["steps"][-1]) for order, entry in orders.items()}
        numbers = {order: int(entry["numbers told"][-1]) for order, entry in orders.items()}
        n = settings.dimensions[-1]
        claims.append(
            Claim(
                "S3",
                "knowing J, its gradient, its Hessian",
                f"{problem}, {n} dimensions: steps {steps['black box']:,}, {steps['gradient']:,}, {steps['Newton']:,}; "
                f"numbers told {numbers['black box']:,}, {numbers['gradient']:,}, {numbers['Newton']:,}",
                steps["black box"] > steps["gradient"] > steps["Newton"],
            )
        )
    return tuple(claims)


EXPERIMENT = Experiment(row="A13", run=run, usual=Settings(), small=Settings(dimensions=(2, 3), goal=1e-2, steps=2000))
