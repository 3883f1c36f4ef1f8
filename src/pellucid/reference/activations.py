"""Activation functions, each with its derivative beside it, and softmax. [A5]

At a kink the derivative is that of the left side: ReLU'(0) = 0, so the derivative of ReLU is the step function.
"""

import math
from typing import Any

import numpy as np

from pellucid.errors import unknown_name
from pellucid.reference.window import Array

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805
"""The pair for which mean 0 and variance 1 is a fixed point; `moments.selu_constants` derives it."""

_erf = np.vectorize(math.erf, otypes=[np.float64])


def step(x: Array) -> Array:
    """1 where x > 0, else 0. [A5]"""
    return (x > 0).astype(x.dtype)


def step_backward_data(dy: Array, x: Array) -> Array:
    """0 wherever it exists. [A5]"""
    return np.zeros_like(dy * x)


def relu(x: Array) -> Array:
    """max(x, 0). [A5]"""
    return np.maximum(x, 0)


def relu_backward_data(dy: Array, x: Array) -> Array:
    """dy where x > 0, else 0. [A5]"""
    return dy * (x > 0)


def leaky_relu(x: Array, slope: float = 0.01) -> Array:
    """x where x > 0, else slope * x. [A5]"""
    return np.where(x > 0, x, slope * x)


def leaky_relu_backward_data(dy: Array, x: Array, slope: float = 0.01) -> Array:
    """dy where x > 0, else slope * dy. [A5]"""
    return np.where(x > 0, dy, slope * dy)


def prelu(x: Array, weight: Array) -> Array:
    """Parametric ReLU: the slope below 0 is learned, one for each channel or one for all. [A5]"""
    return np.where(x > 0, x, weight * x)


def prelu_backward_data(dy: Array, x: Array, weight: Array) -> Array:
    """dy where x > 0, else weight * dy. [A5]"""
    return np.where(x > 0, dy, weight * dy)


def prelu_backward_weight(dy: Array, x: Array, weight: Array) -> Array:
    """da[c] = the sum of dy * x over the samples of channel c with x <= 0. [A5]"""
    per_channel = np.where(x > 0, 0, dy * x).reshape(-1, x.shape[-1]).sum(axis=0)
    return per_channel if weight.size > 1 or x.shape[-1] == 1 else per_channel.sum(keepdims=True)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), written so that nothing overflows. [A5]"""
    return 0.5 * (1 + np.tanh(0.5 * x))


def sigmoid_backward_data(dy: Array, x: Array) -> Array:
    """dy * s * (1 - s), and 1 - s(x) = s(-x). [A5]"""
    return dy * sigmoid(x) * sigmoid(-x)


def tanh(x: Array) -> Array:
    """tanh x = 2 sigmoid(2x) - 1. [A5]"""
    return np.tanh(x)


def tanh_backward_data(dy: Array, x: Array) -> Array:
    """dy * (1 - tanh(x)^2). [A5]"""
    return dy * (1 - np.tanh(x) ** 2)


def softsign(x: Array) -> Array:
    """x / (1 + |x|). [A5]"""
    return x / (1 + np.abs(x))


def softsign_backward_data(dy: Array, x: Array) -> Array:
    """dy / (1 + |x|)^2. [A5]"""
    return dy / (1 + np.abs(x)) ** 2


def selu(x: Array) -> Array:
    """scale * x where x > 0, else scale * alpha * (exp(x) - 1). [A5]"""
    return SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0)))


def selu_backward_data(dy: Array, x: Array) -> Array:
    """scale * dy where x > 0, else scale * alpha * exp(x) * dy. [A5]"""
    return SELU_SCALE * dy * np.where(x > 0, 1, SELU_ALPHA * np.exp(np.minimum(x, 0)))


def sine(x: Array, frequency: float = 1.0) -> Array:
    """sin(frequency * x): SIREN's activation, with frequency 30 there. [A5]"""
    return np.sin(frequency * x)


def sine_backward_data(dy: Array, x: Array, frequency: float = 1.0) -> Array:
    """dy * frequency * cos(frequency * x). [A5]"""
    return dy * frequency * np.cos(frequency * x)


def softplus(x: Array) -> Array:
    """log(1 + exp(x)), written so that nothing overflows. [A5]"""
    return np.logaddexp(0, x)


def softplus_backward_data(dy: Array, x: Array) -> Array:
    """dy * sigmoid(x). [A5]"""
    return dy * sigmoid(x)


def silu(x: Array) -> Array:
    """x * sigmoid(x). [A5]"""
    return x * sigmoid(x)


def silu_backward_data(dy: Array, x: Array) -> Array:
    """dy * (s + x * s * (1 - s)). [A5]"""
    return dy * (sigmoid(x) + x * sigmoid(x) * sigmoid(-x))


def gelu(x: Array, approximate: str = "none") -> Array:
    """x * P(a normal value is below x); `approximate="tanh"` replaces the error function by a tanh. [A5]"""
    return x * _gelu_gate(x, approximate)[0]


def gelu_backward_data(dy: Array, x: Array, approximate: str = "none") -> Array:
    """dy * (gate(x) + x * gate'(x)). [A5]"""
    gate, slope = _gelu_gate(x, approximate)
    return dy * (gate + x * slope)


def _gelu_gate(x: Array, approximate: str) -> tuple[Any, Any]:
    """The factor of x, and its derivative."""
    if approximate == "none":
        return 0.5 * (1 + _erf(x / math.sqrt(2))), np.exp(-0.5 * x**2) / math.sqrt(2 * math.pi)
    if approximate == "tanh":
        root, cubic = math.sqrt(2 / math.pi), 0.044715
        t = np.tanh(root * (x + cubic * x**3))
        return 0.5 * (1 + t), 0.5 * (1 - t**2) * root * (1 + 3 * cubic * x**2)
    raise unknown_name("approximation of GELU", approximate, ["none", "tanh"])


def hardswish(x: Array) -> Array:
    """x * min(max(x + 3, 0), 6) / 6. [A5]"""
    return x * np.clip(x + 3, 0, 6) / 6


def hardswish_backward_data(dy: Array, x: Array) -> Array:
    """0 up to -3, dy from 3 on, (2x + 3) / 6 * dy between. [A5]"""
    return dy * np.where(x <= -3, 0, np.where(x < 3, (2 * x + 3) / 6, 1))


def clip(x: Array, low: float, high: float) -> Array:
    """min(max(x, low), high); ReLU6 is clip(x, 0, 6). [A5]"""
    return np.clip(x, low, high)


def clip_backward_data(dy: Array, x: Array, low: float, high: float) -> Array:
    """dy where low <= x <= high, else 0. [A5]"""
    return dy * ((x >= low) & (x <= high))


def softmax(x: Array) -> Array:
    """exp(x_c) / sum over channels of exp: positive, and together 1. [A5]"""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_backward_data(dy: Array, x: Array) -> Array:
    """y_c * (dy_c - sum over channels of y dy). [A5]"""
    y = softmax(x)
    return y * (dy - (y * dy).sum(axis=-1, keepdims=True))
