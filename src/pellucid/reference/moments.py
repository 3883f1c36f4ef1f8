"""How mean and variance travel from layer to layer, and where they stay. [A12]

For a layer with K inputs, normal weights of mean 0 and wide enough that its sums are normal, the map g sends (mean,
variance) of one layer's activations to those of the next. A good initialiser makes g the identity on what it is meant
to keep; SELU is built so that (0, 1) is a fixed point of g that attracts its neighbourhood.
"""

import math
from collections.abc import Callable

import numpy as np

from pellucid.reference.window import Array

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)
_FAR = 12.0  # deviations; beyond them a normal density holds less than 1e-32


def after_linear(mean: float, variance: float, fan_in: int, weight_variance: float) -> tuple[float, float]:
    """Var(w x) = Var(w) E(x^2) for w of zero mean, so K terms have mean 0, variance K Var(w) (v + m^2). [A12]"""
    return 0.0, fan_in * weight_variance * (variance + mean**2)


def after_activation(activation: Callable[[Array], Array], mean: float, variance: float) -> tuple[float, float]:
    """Mean and variance of f(z) for normal z, by integration; in two parts, since most f have their kink at 0. [A12]"""
    first = expectation(activation, mean, variance)
    return first, expectation(lambda z: (activation(z) - first) ** 2, mean, variance)


def expectation(f: Callable[[Array], Array], mean: float, variance: float) -> float:
    """E f(z) for normal z: Gauss-Legendre integration below 0 and above it."""
    deviation = math.sqrt(variance)
    low, high = mean - _FAR * deviation, mean + _FAR * deviation
    edges = sorted({low, high, min(max(0.0, low), high)})
    total = 0.0
    for a, b in zip(edges, edges[1:], strict=False):
        z = a + (b - a) * (_NODES + 1) / 2
        density = np.exp(-0.5 * ((z - mean) / deviation) ** 2) / (deviation * math.sqrt(2 * math.pi))
        total += float(np.sum(_WEIGHTS * f(z) * density)) * (b - a) / 2
    return total


def layer_map(
    activation: Callable[[Array], Array], mean: float, variance: float, fan_in: int, weight_variance: float
) -> tuple[float, float]:
    """g: the moments after a linear layer and its activation. [A12]"""
    return after_activation(activation, *after_linear(mean, variance, fan_in, weight_variance))


def fixed_point(
    activation: Callable[[Array], Array], start: tuple[float, float], layers: int = 100
) -> list[tuple[float, float]]:
    """The path of (mean, variance) through layers with K Var(w) = 1, from `start` towards the fixed point. [A12]"""
    path = [start]
    for _ in range(layers):
        path.append(layer_map(activation, *path[-1], fan_in=1, weight_variance=1.0))
    return path


def selu_constants() -> tuple[float, float]:
    """(alpha, scale), from E selu(z) = 0 and E selu(z)^2 = 1 for standard normal z.

    E z over z > 0 is 1 / sqrt(2 pi) and balances alpha * E(1 - exp z) over z < 0, which gives alpha; the second
    moments, 1/2 above zero and alpha^2 E(1 - exp z)^2 below it, give the scale. [A12]
    """

    def normal(z: float) -> float:
        return 0.5 * math.erfc(-z / math.sqrt(2))

    below = 0.5 - math.exp(0.5) * normal(-1)  # E(1 - exp z) over z < 0
    below_squared = 0.5 - 2 * math.exp(0.5) * normal(-1) + math.exp(2) * normal(-2)
    alpha = 1 / (math.sqrt(2 * math.pi) * below)
    return alpha, 1 / math.sqrt(0.5 + alpha**2 * below_squared)
