"""Normalisation by what lies nearby: local response over channels, local contrast over space. [A8]"""

import numpy as np

from pellucid.reference.convolution import conv
from pellucid.reference.window import Array


def local_response_norm(x: Array, size: int, *, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Array:
    """y_c = x_c / s_c^beta with s_c = k + alpha / size * sum of x^2 over `size` neighbouring channels. [A8]

    The neighbours of c are c - size // 2 to c + (size - 1) // 2, as far as they exist. AlexNet's paper has alpha where
    torch and we have alpha / size.
    """
    return x / _response(x, size, alpha, k) ** beta


def local_response_norm_backward_data(
    dy: Array, x: Array, size: int, *, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Array:
    """dx_c = dy_c / s_c^beta - 2 alpha beta / size * x_c * sum of dy_b x_b / s_b^(beta+1) over b beside c. [A8]"""
    s = _response(x, size, alpha, k)
    through = (dy * x / s ** (beta + 1)) @ _neighbours(x.shape[-1], size)
    return dy / s**beta - 2 * alpha * beta / size * x * through


def local_contrast_norm(x: Array, size: int = 9, *, deviation: float = 2.0, epsilon: float = 1e-2) -> Array:
    """v = x - blur(x), then y = v / sqrt(epsilon + blur(v^2)): subtractive, then divisive. [A8]

    blur is the mean over channels, weighted over size x size positions by a Gaussian; outside the picture is 0.
    """
    v = x - _blur(x, size, deviation)
    return v / np.sqrt(epsilon + _blur(v**2, size, deviation))


def local_contrast_norm_backward_data(
    dy: Array, x: Array, size: int = 9, *, deviation: float = 2.0, epsilon: float = 1e-2
) -> Array:
    """With s = epsilon + blur(v^2):  dv = dy / sqrt(s) - v * blur(dy v / s^(3/2)), and dx = dv - blur(dv).

    The blur is its own transpose: its kernel is symmetric. [A8]
    """
    v = x - _blur(x, size, deviation)
    s = epsilon + _blur(v**2, size, deviation)
    dv = dy / np.sqrt(s) - v * _blur(dy * v / s**1.5, size, deviation)
    return dv - _blur(dv, size, deviation)


def _response(x: Array, size: int, alpha: float, k: float) -> Array:
    return k + alpha / size * (x**2 @ _neighbours(x.shape[-1], size).T)


def _neighbours(channels: int, size: int) -> Array:
    """(c, b): 1 where b is a neighbour of c."""
    apart = np.arange(channels) - np.arange(channels)[:, None]
    return ((apart >= -(size // 2)) & (apart <= (size - 1) // 2)).astype(np.float64)


def _blur(x: Array, size: int, deviation: float) -> Array:
    line = np.exp(-0.5 * ((np.arange(size) - (size - 1) / 2) / deviation) ** 2)
    kernel = np.outer(line, line) / line.sum() ** 2
    weight = np.broadcast_to(kernel / x.shape[-1], (x.shape[-1], x.shape[-1], size, size))
    return conv(x, weight, padding=size // 2)
