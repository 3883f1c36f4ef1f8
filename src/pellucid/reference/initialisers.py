"""Initial weights: how wide to draw them, so that signals neither die nor grow on their way through the layers. [A12]

Each function takes a NumPy generator and the shape (oc, ic, *kernel) of the weights. K is the fan-in, the number of
values that meet in one output: ic * taps. The fan-out, oc * taps, is what meets in one input on the way back. With
groups the shape's second entry is already ic / groups, and oc is the number of output channels of one group times
`groups`: pass it for the fan-out.
"""

import math

import numpy as np

from pellucid.reference.window import Array


def fan_in(shape: tuple[int, ...]) -> int:
    """K = ic * taps."""
    return math.prod(shape[1:])


def fan_out(shape: tuple[int, ...], groups: int = 1) -> int:
    """oc / groups * taps."""
    return shape[0] // groups * math.prod(shape[2:])


def gaussian(rng: np.random.Generator, shape: tuple[int, ...], deviation: float = 0.01) -> Array:
    """Normal values with a deviation that the caller chooses. [A12]"""
    return rng.normal(0, deviation, shape)


def xavier(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Normal, Var(w) = 1 / K: keeps the variance through linear layers, and tanh layers near zero. [A12]"""
    return rng.normal(0, math.sqrt(1 / fan_in(shape)), shape)


def glorot_uniform(rng: np.random.Generator, shape: tuple[int, ...], groups: int = 1) -> Array:
    """Uniform within +-sqrt(6 / (fan-in + fan-out)): between what signals and what gradients would need. [A12]"""
    bound = math.sqrt(6 / (fan_in(shape) + fan_out(shape, groups)))
    return rng.uniform(-bound, bound, shape)


def he(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Normal, Var(w) = 2 / K: keeps the variance of pre-activations through ReLU layers. [A12]"""
    return rng.normal(0, math.sqrt(2 / fan_in(shape)), shape)


def selu(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Normal, Var(w) = 1 / K: what SELU's fixed point asks for. [A12]"""
    return xavier(rng, shape)


def siren(rng: np.random.Generator, shape: tuple[int, ...], first: bool = False, frequency: float = 30.0) -> Array:
    """Uniform within +-sqrt(6 / K) / frequency, so that the argument of the sine has variance 1 in every layer.

    The first layer, whose input fills [-1, 1], is drawn within +-1 / K. [A12]
    """
    bound = 1 / fan_in(shape) if first else math.sqrt(6 / fan_in(shape)) / frequency
    return rng.uniform(-bound, bound, shape)
