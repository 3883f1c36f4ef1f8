"""Filters: planted duplicates and empty ones are found, like stands beside like, Gabor functions are recovered."""

import numpy as np
import pytest

from pellucid.errors import UsageError
from pellucid.inspect import filters
from pellucid.inspect.gabor import _waves, fit_gabor
from pellucid.inspect.learned_filters import describe_filters
from tests.inspect.nets import chain, network


def test_planted_duplicates_and_empty_filters():
    weights = np.random.default_rng(0).normal(size=(10, 3, 3, 3))
    weights[7] = 2.5 * weights[2]
    weights[4] = 0
    found = describe_filters("a", weights)
    assert found.duplicates == ((2, 7),) and found.empty == (4,)
    assert sorted(found.order) == list(range(10))
    assert abs(found.order.index(2) - found.order.index(7)) == 1
    assert found.gabor is None  # nine taps would fit anything
    assert describe_filters("a", np.random.default_rng(1).normal(size=(10, 3, 3, 3))).duplicates == ()


def test_the_first_convolution_or_the_one_named():
    net = network(*chain())
    assert filters(net).layer == "conv0" and filters(net, "conv1").weights.shape == (6, 6, 3, 3)
    with pytest.raises(UsageError, match="did you mean 'conv1'"):
        filters(net, "conv11")


@pytest.mark.parametrize("angle", [0.0, 0.4, 1.2, 2.6])
def test_a_planted_gabor_function_is_recovered(angle):
    kernel = (_waves(np.array([angle, 0.2, 1.6, 2.2, 0.4, -0.7]), (9, 9)) @ [1.5, -0.8]).reshape(9, 9)
    found = fit_gabor(kernel)
    assert found.error < 1e-3
    assert found.frequency == pytest.approx(0.2, abs=0.002)
    assert min(abs(found.angle - angle), np.pi - abs(found.angle - angle)) < 0.01
    np.testing.assert_allclose(found.picture, kernel, atol=2e-3)


def test_noise_is_no_gabor_function_and_nothing_is_fitted_by_nothing():
    assert fit_gabor(np.random.default_rng(0).normal(size=(9, 9))).error > 0.5
    assert fit_gabor(np.zeros((7, 7))).error == 0
