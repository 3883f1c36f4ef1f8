"""Fifty layers, untrained [A12]: what initialisers keep of mean and variance, beside what theory says.

Signals go forward and gradients back through dense layers of one width. The line of theory is the textbook's map of
moments, `pellucid.reference.moments`, which assumes infinite width.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pellucid.learn.experiments.drawing import COLOURS, label, sheet
from pellucid.learn.experiments.experiment import Claim, Experiment, Outcome, Progress
from pellucid.reference import activations, initialisers
from pellucid.reference.moments import layer_map
from pellucid.reference.window import Array


@dataclass(frozen=True)
class Settings:
    seed: int = 0
    layers: int = 50
    width: int = 500
    samples: int = 500


@dataclass(frozen=True)
class Start:
    """`weight_variance` is K Var(w), K the fan-in."""

    activation: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    weight_variance: float


def _relu(x: Array) -> Array:
    return np.maximum(x, 0)


def _relu_slope(x: Array) -> Array:
    return 1.0 * (x > 0)


STARTS: dict[str, Start] = {
    "Gaussian 0.01, ReLU": Start(_relu, _relu_slope, math.nan),
    "Xavier, ReLU": Start(_relu, _relu_slope, 1.0),
    "He, ReLU": Start(_relu, _relu_slope, 2.0),
    "Xavier, tanh": Start(np.tanh, lambda x: 1 - np.tanh(x) ** 2, 1.0),
    "variance 1 / K, SELU": Start(activations.selu, lambda x: activations.selu_backward_data(np.ones_like(x), x), 1.0),
    "SIREN, sine": Start(np.sin, np.cos, 2.0),
}
"""SIREN's weights, times its frequency, are uniform with K Var(w) = 2; a sine of wide sums has variance 1/2."""


def run(settings: Settings, data: None, progress: Progress) -> Outcome:
    """[A12] E x^2 of every layer's output, and of the gradient with respect to it."""
    figures, lines = {}, {}
    for done, (name, start) in enumerate(STARTS.items()):
        progress(done, len(STARTS), name)
        weight_variance = start.weight_variance
        if math.isnan(weight_variance):
            weight_variance = settings.width * 0.01**2
        forward, backward = through(start, weight_variance, settings)
        theory = predicted(start, weight_variance, settings.layers)
        lines[name] = (forward, theory, backward)
        figures[name] = {
            "second moment after the last layer": forward[-1],
            "by theory": theory[-1],
            "gradient at the first layer, of that at the last": backward[0] / backward[-1],
        }
    return Outcome(figures, _claims(settings, figures), _draw(lines))


def through(start: Start, weight_variance: float, settings: Settings) -> tuple[list[float], list[float]]:
    """Second moments of signals, layer by layer, and of gradients of a random loss behind the last layer."""
    rng = np.random.default_rng(settings.seed)
    x = rng.normal(size=(settings.samples, settings.width))
    kept = []
    forward, backward = [], []
    for _ in range(settings.layers):
        weights = _weights(rng, settings.width, weight_variance, start)
        sums = x @ weights.T
        kept.append((weights, sums))
        x = start.activation(sums)
        forward.append(float(np.mean(x**2)))
    gradient = rng.normal(size=x.shape)
    for weights, sums in reversed(kept):
        backward.append(float(np.mean(gradient**2)))
        gradient = (gradient * start.slope(sums)) @ weights
    return forward, backward[::-1]


def _weights(rng: np.random.Generator, width: int, weight_variance: float, start: Start) -> Array:
    if start.slope is np.cos:
        return 30 * initialisers.siren(rng, (width, width))
    return rng.normal(0, math.sqrt(weight_variance / width), (width, width))


def predicted(start: Start, weight_variance: float, layers: int) -> list[float]:
    """The same by the map of moments, from mean 0 and variance 1."""
    mean, variance, found = 0.0, 1.0, []
    for _ in range(layers):
        mean, variance = layer_map(start.activation, mean, max(variance, 1e-300), 1, weight_variance)
        found.append(variance + mean**2)
    return found


def _claims(settings: Settings, figures) -> tuple[Claim, ...]:  # type: ignore[no-untyped-def]
    def claim(name: str, said: str, low: float = 0.0, high: float = 0.0) -> Claim:
        moment, theory = figures[name]["second moment after the last layer"], figures[name]["by theory"]
        seen = f"E x^2 after {settings.layers} layers: {moment:.2g}, by theory {theory:.2g}"
        return Claim("S1", f"{name}: {said}", seen, low < moment < high if high else None)

    halved = 0.5**settings.layers
    return (
        claim("He, ReLU", "std = sqrt(2 / K) keeps the variance", 0.1, 10),
        claim("Xavier, ReLU", "std = sqrt(1 / K) halves it in every layer", halved / 10, halved * 10),
        claim("variance 1 / K, SELU", "a fixed point that attracts", 0.5, 2),
        claim("SIREN, sine", "sine with a start of its own", 0.25, 1),
        claim("Xavier, tanh", "keeps signals that are near zero", 1 / (4 * settings.layers), 1),
        claim("Gaussian 0.01, ReLU", "one of the ways to start"),
    )


def _draw(lines):  # type: ignore[no-untyped-def]
    figure, axes = sheet(1, 2, 5, 3.8)
    for number, (name, (forward, theory, backward)) in enumerate(lines.items()):
        layers = range(1, len(forward) + 1)
        axes[0, 0].semilogy(layers, forward, color=COLOURS[number], label=name)
        axes[0, 0].semilogy(layers, theory, ":", color=COLOURS[number], linewidth=2.5, alpha=0.6)
        axes[0, 1].semilogy(layers, backward, color=COLOURS[number])
    for place in axes[0]:
        place.set_ylim(1e-12, 1e3)
    label(axes[0, 0], "forward: E x^2 (dotted: theory)", "layer", "")
    label(axes[0, 1], "back: E (dE/dx)^2", "layer", "")
    axes[0, 0].legend(fontsize=7)
    return figure


EXPERIMENT = Experiment(row="A12", run=run, usual=Settings(), small=Settings(layers=6, width=60, samples=50))
