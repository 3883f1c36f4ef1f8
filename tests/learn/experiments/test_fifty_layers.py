"""What is measured through layers is what theory says, forward and, by finite differences, backward. [A12]"""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from pellucid.learn.experiments.fifty_layers import STARTS, Settings, predicted, through  # noqa: E402

CASES = [name for name in STARTS if not name.startswith("Gaussian")]


@pytest.mark.parametrize("name", CASES)
def test_measured_moments_follow_theory(name):
    start = STARTS[name]
    forward, _ = through(start, start.weight_variance, Settings(layers=8, width=300, samples=300))
    assert np.allclose(np.log(forward), np.log(predicted(start, start.weight_variance, 8)), atol=0.6)


def test_he_keeps_gradients_and_xavier_with_relu_halves_them():
    settings = Settings(layers=8, width=300, samples=300)
    for name, kept in (("He, ReLU", 1.0), ("Xavier, ReLU", 0.5**7)):
        _, backward = through(STARTS[name], STARTS[name].weight_variance, settings)
        assert 0.6 < backward[0] / backward[-1] / kept < 1.6


@pytest.mark.parametrize("name", STARTS)
def test_slopes_are_those_of_the_activations(name):
    x = np.linspace(-3, 3, 40)
    numeric = (STARTS[name].activation(x + 1e-6) - STARTS[name].activation(x - 1e-6)) / 2e-6
    assert np.allclose(STARTS[name].slope(x), numeric, atol=1e-5)
