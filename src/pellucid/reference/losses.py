"""Losses, each with its gradient to the prediction, and the reduction as a named argument. [A10]

Reductions: "elements" divides the sum by the number of output elements, "samples" by the number of samples, "sum" by
nothing. For losses over classes a sample is a pixel: one row of class scores. Each default is in the docstring.
Where the prediction is smaller than the target (valid convolutions), only the target's centred region counts.
"""

import math
from typing import Literal

import numpy as np

from pellucid.errors import UsageError, unknown_name
from pellucid.reference.activations import sigmoid, softmax, softplus
from pellucid.reference.window import Array

Reduction = Literal["elements", "samples", "sum"]
LUMA = np.array([65.481, 128.553, 24.966]) / 255  # of red, green and blue in Y, BT.601 as MATLAB has it


def centred_crop(t: Array, size: tuple[int, ...]) -> Array:
    """(n, h, w, c) -> (n, *size, c): the inner region; of an odd surplus the larger half is cut at the end."""
    starts = [(have - want) // 2 for have, want in zip(t.shape[1:-1], size, strict=True)]
    if min(starts, default=0) < 0:
        raise UsageError("the target is smaller than the prediction", seen=t.shape[1:-1], expected=f"at least {size}")
    return t[(slice(None), *(slice(a, a + want) for a, want in zip(starts, size, strict=True)))]


def mse(y: Array, t: Array, reduction: Reduction = "elements") -> float:
    """Mean squared error: sum of (y - t)^2, by default over the number of output elements. [A10]"""
    return float(np.sum((y - _fit(t, y)) ** 2)) / divisor(y, reduction)


def mse_backward_data(y: Array, t: Array, reduction: Reduction = "elements") -> Array:
    """2 (y - t) / (h w c n) by default. [A10]"""
    return 2 * (y - _fit(t, y)) / divisor(y, reduction)


def mae(y: Array, t: Array, reduction: Reduction = "elements") -> float:
    """Mean absolute error: sum of |y - t|, by default over the number of output elements. [A10]"""
    return float(np.sum(np.abs(y - _fit(t, y)))) / divisor(y, reduction)


def mae_backward_data(y: Array, t: Array, reduction: Reduction = "elements") -> Array:
    """sign(y - t) / (h w c n) by default, and 0 where they are equal. [A10]"""
    return np.sign(y - _fit(t, y)) / divisor(y, reduction)


def half_squared_norm(y: Array, t: Array, reduction: Reduction = "sum") -> float:
    """1/2 |y - t|^2, by default the plain sum over everything. [A10]"""
    return 0.5 * mse(y, t, reduction)


def half_squared_norm_backward_data(y: Array, t: Array, reduction: Reduction = "sum") -> Array:
    """y - t by default. [A10]"""
    return (y - _fit(t, y)) / divisor(y, reduction)


def charbonnier(y: Array, t: Array, epsilon: float = 1e-3, reduction: Reduction = "elements") -> float:
    """sqrt((y - t)^2 + epsilon^2), an absolute error without the kink; by default the mean over elements. [A10]"""
    return float(np.sum(np.sqrt((y - _fit(t, y)) ** 2 + epsilon**2))) / divisor(y, reduction)


def charbonnier_backward_data(y: Array, t: Array, epsilon: float = 1e-3, reduction: Reduction = "elements") -> Array:
    """(y - t) / sqrt((y - t)^2 + epsilon^2), divided as the loss is. [A10]"""
    difference = y - _fit(t, y)
    return difference / np.sqrt(difference**2 + epsilon**2) / divisor(y, reduction)


def log_error(y: Array, t: Array, luma: float = 0.0, floor: float = 1e-5) -> float:
    """ln sqrt(e + floor), e a sample's mean squared error, the share `luma` of it Y's; the mean over samples. [A10]"""
    return 0.5 * float(np.mean(np.log(_errors(y - _fit(t, y), luma) + floor)))


def log_error_backward_data(y: Array, t: Array, luma: float = 0.0, floor: float = 1e-5) -> Array:
    """The gradient of a sample's e over 2 (e + floor) and the number of samples. [A10]"""
    difference = y - _fit(t, y)
    of_e = 2 * (1 - luma) * difference / difference[0].size
    of_e += 2 * luma * (difference @ LUMA)[..., None] * LUMA / difference[0, ..., 0].size if luma else 0
    of_log = 0.5 / (_errors(difference, luma) + floor) / len(y)
    return of_e * of_log.reshape(-1, *[1] * (y.ndim - 1))


def _errors(difference: Array, luma: float) -> Array:
    """(n, h, w, c) -> (n,): mean squares, in the share `luma` those of Y, for which there must be three channels."""
    squares = np.mean(difference.reshape(len(difference), -1) ** 2, axis=1)
    if not luma:
        return squares
    return (1 - luma) * squares + luma * np.mean((difference @ LUMA).reshape(len(difference), -1) ** 2, axis=1)


def binary_cross_entropy(p: Array, t: Array, reduction: Reduction = "elements") -> float:
    """-(t ln p + (1 - t) ln(1 - p)) for probabilities p; by default the mean over elements. [A10]"""
    t = _fit(t, p)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(t > 0, t * np.log(p), 0) + np.where(t < 1, (1 - t) * np.log1p(-p), 0)
    return -float(np.sum(terms)) / divisor(p, reduction)


def binary_cross_entropy_backward_data(p: Array, t: Array, reduction: Reduction = "elements") -> Array:
    """(p - t) / (p (1 - p)), divided as the loss is. [A10]"""
    return (p - _fit(t, p)) / (p * (1 - p)) / divisor(p, reduction)


def sigmoid_cross_entropy(x: Array, t: Array, reduction: Reduction = "elements") -> float:
    """Binary cross-entropy of sigmoid(x) in one step: softplus(x) - t x; by default the mean over elements. [A10]"""
    return float(np.sum(softplus(x) - _fit(t, x) * x)) / divisor(x, reduction)


def sigmoid_cross_entropy_backward_data(x: Array, t: Array, reduction: Reduction = "elements") -> Array:
    """sigmoid(x) - t, divided as the loss is. [A10]"""
    return (sigmoid(x) - _fit(t, x)) / divisor(x, reduction)


def softmax_cross_entropy(x: Array, t: Array, reduction: Reduction = "samples") -> float:
    """-sum over classes of t ln softmax(x); by default the mean over samples, or over pixels.

    `t` holds one probability per class, or the number of the true class where its last axis is missing. [A10]
    """
    shifted = x - x.max(axis=-1, keepdims=True)
    log_probability = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return -float(np.sum(_per_class(t, x) * log_probability)) / divisor(x, reduction, pixels=True)


def softmax_cross_entropy_backward_data(x: Array, t: Array, reduction: Reduction = "samples") -> Array:
    """softmax(x) * sum over classes of t, minus t, divided as the loss is; the sum is 1 for probabilities. [A10]"""
    t = _per_class(t, x)
    return (softmax(x) * t.sum(axis=-1, keepdims=True) - t) / divisor(x, reduction, pixels=True)


def divisor(y: Array, reduction: Reduction, pixels: bool = False) -> int:
    """What a sum over all elements of y is divided by; with `pixels` each row of classes is a sample."""
    if reduction == "elements":
        return y.size
    if reduction == "samples":
        return math.prod(y.shape[:-1]) if pixels else y.shape[0]
    if reduction == "sum":
        return 1
    raise unknown_name("reduction", reduction, ["elements", "samples", "sum"])


def _fit(t: Array, y: Array) -> Array:
    t = centred_crop(t, y.shape[1:-1]) if t.ndim == y.ndim > 2 else t
    if t.shape != y.shape:
        raise UsageError("prediction and target differ in shape", seen=f"{y.shape} and {t.shape}")
    return t


def _per_class(t: Array, x: Array) -> Array:
    if np.issubdtype(t.dtype, np.integer) and t.shape == x.shape[:-1]:
        return np.eye(x.shape[-1], dtype=x.dtype)[t]
    return _fit(t, x)
