"""Initialisers: the moments they promise, and fifty layers of what theory says is kept, and lost without it."""

import math

import numpy as np
import pytest

from pellucid.reference import initialisers as init
from pellucid.reference.activations import relu, selu, sine, tanh

SHAPE = (200, 50, 3, 3)
K = 450


@pytest.mark.parametrize(
    ("draw", "deviation", "bound"),
    [
        (lambda rng: init.gaussian(rng, SHAPE, 0.02), 0.02, None),
        (lambda rng: init.xavier(rng, SHAPE), math.sqrt(1 / K), None),
        (lambda rng: init.selu(rng, SHAPE), math.sqrt(1 / K), None),
        (lambda rng: init.he(rng, SHAPE), math.sqrt(2 / K), None),
        (lambda rng: init.glorot_uniform(rng, SHAPE), math.sqrt(2 / (K + 1800)), math.sqrt(6 / (K + 1800))),
        (lambda rng: init.siren(rng, SHAPE), math.sqrt(2 / K) / 30, math.sqrt(6 / K) / 30),
        (lambda rng: init.siren(rng, SHAPE, first=True), 1 / K / math.sqrt(3), 1 / K),
    ],
    ids=["gaussian", "xavier", "selu", "he", "glorot_uniform", "siren", "siren, first layer"],
)
def test_deviation_and_bound(draw, deviation: float, bound: float | None) -> None:
    w = draw(np.random.default_rng(1))
    assert w.shape == SHAPE
    assert abs(w.mean()) < 5 * deviation / math.sqrt(w.size)
    assert math.isclose(w.std(), deviation, rel_tol=0.01)
    if bound is not None:
        assert 0.999 * bound < np.abs(w).max() <= bound


def test_fans() -> None:
    """64 inputs, 128 outputs, 3 x 3; the same in groups of 4."""
    assert (init.fan_in((128, 64, 3, 3)), init.fan_out((128, 64, 3, 3))) == (576, 1152)
    assert (init.fan_in((128, 16, 3, 3)), init.fan_out((128, 16, 3, 3), groups=4)) == (144, 288)
    assert (init.fan_in((10, 7)), init.fan_out((10, 7))) == (7, 10)


def mean_squares(draw, activation, x, layers: int = 50) -> list[float]:
    """E z^2 of the pre-activations z of each layer, width as the input's."""
    squares = []
    for _ in range(layers):
        z = x @ draw((x.shape[1], x.shape[1])).T
        squares.append(float(np.mean(z**2)))
        x = activation(z)
    return squares


def typical(draw, activation, scale: float = 1.0, width: int = 256) -> np.ndarray:
    """The geometric mean over three nets of E z^2, layer by layer, over that of the first layer."""
    paths = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        x = scale * rng.normal(size=(50, width))
        paths.append(np.log(mean_squares(lambda shape, rng=rng: draw(rng, shape), activation, x)))
    mean = np.mean(paths, axis=0)
    return np.exp(mean - mean[0])


def test_fifty_layers_of_relu_need_he() -> None:
    """He keeps the variance of pre-activations; Xavier halves it in every layer, 2^-49 in all."""
    he, xavier = typical(init.he, relu), typical(init.xavier, relu)
    assert 0.3 < he[-1] < 3
    assert 0.3 < xavier[-1] * 2.0**49 < 3


def test_fifty_layers_of_tanh_near_zero_need_xavier() -> None:
    """Small signals keep their variance under Xavier; a deviation twice too small shrinks it by 4 in every layer."""
    kept = typical(init.xavier, tanh, scale=0.01)
    assert 0.5 < kept[-1] < 2
    lost = typical(lambda rng, shape: 0.5 * init.xavier(rng, shape), tanh, scale=0.01)
    assert lost[-1] < 2 * 4.0**-49


def test_fifty_layers_of_sines_need_siren() -> None:
    """SIREN's argument keeps variance 1: sin(30 z) with E (30 z)^2 = 1."""
    rng = np.random.default_rng(3)
    x = np.sin(math.pi / 2 * rng.uniform(-1, 1, (100, 300)))  # arcsine-distributed, as after a sine layer
    squares = mean_squares(lambda shape: init.siren(rng, shape), lambda z: sine(z, 30.0), x)
    assert np.allclose(900 * np.array(squares), 1, atol=0.25)


def test_fifty_layers_of_selu_draw_mean_and_variance_to_their_fixed_point() -> None:
    """Inputs of mean 0.5 and variance 2.25 arrive at mean 0 and variance 1, and stay."""
    rng = np.random.default_rng(4)
    x = 0.5 + 1.5 * rng.normal(size=(100, 400))
    for _ in range(50):
        x = selu(x @ init.selu(rng, (400, 400)).T)
    assert abs(x.mean()) < 0.1
    assert abs(x.var() - 1) < 0.2
