"""The map of mean and variance: closed forms, samples, SELU's constants and its attracting fixed point."""

import math

import numpy as np
import pytest

from pellucid.reference import moments as m
from pellucid.reference.activations import SELU_ALPHA, SELU_SCALE, relu, selu, sigmoid, tanh


def test_selu_constants_follow_from_the_fixed_point() -> None:
    alpha, scale = m.selu_constants()
    assert math.isclose(alpha, SELU_ALPHA, rel_tol=1e-14)
    assert math.isclose(scale, SELU_SCALE, rel_tol=1e-14)


def test_mean_0_variance_1_is_a_fixed_point_of_selu() -> None:
    mean, variance = m.layer_map(selu, 0, 1, fan_in=100, weight_variance=1 / 100)
    assert abs(mean) < 1e-12
    assert abs(variance - 1) < 1e-12


@pytest.mark.parametrize("start", [(0.5, 2.0), (-0.5, 0.3), (0.1, 1.5), (0, 0.1)])
def test_the_fixed_point_attracts(start: tuple[float, float]) -> None:
    mean, variance = m.fixed_point(selu, start)[-1]
    assert abs(mean) < 1e-6
    assert abs(variance - 1) < 1e-6


def test_relu_in_closed_form() -> None:
    """E relu(z) = s / sqrt(2 pi), E relu(z)^2 = s^2 / 2: the mean is not 0, and half of the second moment is lost."""
    mean, variance = m.after_activation(relu, 0, 4)
    assert math.isclose(mean, 2 / math.sqrt(2 * math.pi), rel_tol=1e-12)
    assert math.isclose(variance + mean**2, 2, rel_tol=1e-12)


def test_he_keeps_the_variance_of_pre_activations() -> None:
    """Var(w) = 2 / K is the identity on the variance of w . relu(z); Var(w) = 1 / K halves it."""
    after = m.after_activation(relu, 0, 3)
    assert m.after_linear(*after, fan_in=50, weight_variance=2 / 50) == pytest.approx((0, 3))
    assert m.after_linear(*after, fan_in=50, weight_variance=1 / 50) == pytest.approx((0, 1.5))


def test_xavier_keeps_small_signals_of_tanh() -> None:
    """Near zero tanh is the identity; far from it variance is lost."""
    assert m.layer_map(tanh, 0, 1e-6, fan_in=50, weight_variance=1 / 50)[1] == pytest.approx(1e-6, rel=1e-5)
    assert m.layer_map(tanh, 0, 1, fan_in=50, weight_variance=1 / 50)[1] < 0.5


@pytest.mark.parametrize("activation", [relu, selu, sigmoid, tanh, np.sin])
@pytest.mark.parametrize(("mean", "variance"), [(0, 1), (-1, 0.5), (2, 4)])
def test_against_samples(activation, mean: float, variance: float) -> None:
    """Means and variances of a million samples, within five of their own deviations."""
    f = activation(mean + math.sqrt(variance) * np.random.default_rng(7).normal(size=1_000_000))
    expected = m.after_activation(activation, mean, variance)
    assert abs(f.mean() - expected[0]) < 5 * f.std() / 1000
    assert abs(f.var() - expected[1]) < 5 * ((f - f.mean()) ** 2).std() / 1000
