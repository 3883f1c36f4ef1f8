"""Each kind of layer as wiring, equation, matrix and mapping [B1]: dense, local, convolution, strides, pooling, ReLU.

A layer here reads nine values in a row. Its matrix is what it makes of each unit vector; a layer that is not linear has
none for all inputs, and is shown by the matrix of its derivative at the example.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pellucid.learn.experiments.drawing import COLOURS, bare, sheet
from pellucid.learn.experiments.experiment import Claim, Experiment, Outcome, Progress

Array = np.ndarray
SIZE = 9


@dataclass(frozen=True)
class Settings:
    seed: int = 0


@dataclass(frozen=True)
class Kind:
    """`weights` counts what is learned, without biases."""

    equation: str
    apply: Callable[[Array], Array]
    weights: int


def kinds(rng: np.random.Generator) -> dict[str, Kind]:
    dense, local, kernel = rng.normal(size=(SIZE, SIZE)) / 3, rng.normal(size=(SIZE - 2, 3)), np.array([1.0, -2, 1])

    def windows(x: Array, stride: int = 1) -> Array:
        return np.lib.stride_tricks.sliding_window_view(x, 3)[::stride]

    return {
        "dense": Kind(r"$y_j = \sum_i w_{ji} x_i$", lambda x: dense @ x, dense.size),
        "locally connected": Kind(
            r"$y_j = \sum_k w_{jk} x_{j+k}$", lambda x: np.sum(local * windows(x), 1), local.size
        ),
        "convolution": Kind(r"$y_j = \sum_k w_k x_{j+k}$", lambda x: windows(x) @ kernel, kernel.size),
        "convolution, stride 2": Kind(r"$y_j = \sum_k w_k x_{2j+k}$", lambda x: windows(x, 2) @ kernel, kernel.size),
        "mean pooling": Kind(r"$y_j = \frac{1}{3} \sum_k x_{3j+k}$", lambda x: windows(x, 3).mean(1), 0),
        "max pooling": Kind(r"$y_j = \max_k\, x_{3j+k}$", lambda x: windows(x, 3).max(1), 0),
        "ReLU": Kind(r"$y_j = \max(x_j, 0)$", lambda x: np.maximum(x, 0), 0),
    }


def derivative(kind: Kind, x: Array) -> Array:
    """(outputs, inputs) at x, by differences; of a linear layer its matrix anywhere."""
    step = 1e-6
    return np.stack([(kind.apply(x + step * e) - kind.apply(x - step * e)) / (2 * step) for e in np.eye(SIZE)], 1)


def run(settings: Settings, data: None, progress: Progress) -> Outcome:
    """[B1] Connections, different weights and rank of each kind, and the drawing."""
    rng = np.random.default_rng(settings.seed)
    x = np.sin(np.arange(SIZE) * 0.9) + 0.3 * rng.normal(size=SIZE)
    found: dict[str, dict[str, int]] = {}
    figure, axes = sheet(7, 4, 2.6, 1.55)
    for row, (name, kind) in zip(axes, kinds(rng).items(), strict=True):
        progress(len(found), 7, name)
        matrix, y = derivative(kind, x), kind.apply(x)
        connected = derivative_anywhere(kind, rng)
        found[name] = {
            "connections": int(connected.sum()),
            "weights": kind.weights,
            "linear": bool(np.allclose(kind.apply(-2 * x), -2 * y)),
        }
        _wiring(row[0], connected, name)
        row[1].text(0.5, 0.5, kind.equation, ha="center", va="center", fontsize=12)
        row[1].axis("off")
        row[2].imshow(matrix, cmap="PuOr", vmin=-2, vmax=2)
        bare(row[2], "" if found[name]["linear"] else "derivative at the example")
        row[3].plot(np.linspace(0, 1, SIZE), x, "o-", color="#999999", markersize=3, linewidth=0.8)
        row[3].plot(np.linspace(0, 1, len(y)), y, "o-", color=COLOURS[1], markersize=3, linewidth=1.2)
        bare(row[3])
    for place, title in zip(axes[0, 1:], ("equation", "matrix", "mapping of an example"), strict=True):
        place.set_title(title, fontsize=8)
    return Outcome(found, _claims(found), figure)


def derivative_anywhere(kind: Kind, rng: np.random.Generator) -> Array:
    """Which input can move which output, somewhere."""
    found = sum(np.abs(derivative(kind, rng.normal(size=SIZE))) > 1e-6 for _ in range(60))
    return np.asarray(found > 0)


def _wiring(axes, connected: Array, title: str) -> None:  # type: ignore[no-untyped-def]
    outputs, inputs = connected.shape
    top, bottom = np.linspace(0, 1, outputs + 2)[1:-1], np.linspace(0, 1, inputs + 2)[1:-1]
    for j, i in zip(*np.nonzero(connected), strict=True):
        axes.plot([bottom[i], top[j]], [0, 1], color="#888888", linewidth=0.6)
    axes.plot(bottom, 0 * bottom, "o", color=COLOURS[0], markersize=4)
    axes.plot(top, 0 * top + 1, "o", color=COLOURS[1], markersize=4)
    axes.set_ylim(-0.2, 1.2)
    bare(axes, f"{title}: wiring")


def _claims(found) -> tuple[Claim, ...]:  # type: ignore[no-untyped-def]
    dense, local, shared = (found[name] for name in ("dense", "locally connected", "convolution"))
    return (
        Claim(
            "S3",
            "locally connected: sparse W",
            f"{local['connections']} connections of {dense['connections']}",
            local["connections"] == 3 * (SIZE - 2),
        ),
        Claim(
            "S4",
            "convolution shares its weights",
            f"{shared['connections']} connections by {shared['weights']} weights, locally {local['weights']}, "
            f"dense {dense['weights']}",
            shared["connections"] == local["connections"] and shared["weights"] == 3,
        ),
    )


EXPERIMENT = Experiment(row="B1", run=run, usual=Settings(), small=Settings())
