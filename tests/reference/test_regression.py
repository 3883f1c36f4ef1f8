"""Ridge regression at its minimum, decay and penalty the same for plain descent and not for Adam. [A11]"""

import numpy as np
import pytest

from pellucid.reference.optimisers import Adam, GradientDescent
from pellucid.reference.regression import decayed, polynomial, ridge, ridge_gradient

RNG = np.random.default_rng(0)


def test_polynomial_features():
    assert np.array_equal(polynomial(np.array([2.0, 3.0]), 3), [[1, 2, 4, 8], [1, 3, 9, 27]])


@pytest.mark.parametrize("penalty", [1e-6, 0.1, 10])
def test_the_gradient_is_zero_at_the_solution_and_right_elsewhere(penalty):
    features, targets = RNG.normal(size=(9, 4)), RNG.normal(size=9)
    assert np.allclose(ridge_gradient(features, targets, ridge(features, targets, penalty), penalty), 0, atol=1e-9)

    def value(w):
        return np.sum((features @ w - targets) ** 2) / 2 + penalty / 2 * np.sum(w**2)

    w = RNG.normal(size=4)
    numeric = [(value(w + 1e-6 * d) - value(w - 1e-6 * d)) / 2e-6 for d in np.eye(4)]
    assert np.allclose(ridge_gradient(features, targets, w, penalty), numeric, rtol=1e-5)


def test_more_penalty_smaller_weights():
    features, targets = polynomial(np.linspace(-1, 1, 12), 9), RNG.normal(size=12)
    lengths = [np.linalg.norm(ridge(features, targets, penalty)) for penalty in (0, 1e-6, 1e-3, 1)]
    assert lengths == sorted(lengths, reverse=True) and lengths[0] > 10 * lengths[-1]


def test_without_penalty_a_polynomial_of_as_many_terms_goes_through_all_points():
    x, targets = np.linspace(-1, 1, 6), RNG.normal(size=6)
    assert np.allclose(polynomial(x, 5) @ ridge(polynomial(x, 5), targets, 0), targets)


@pytest.mark.parametrize(("kind", "same"), [(GradientDescent, True), (Adam, False)])
def test_decay_is_a_penalty_for_plain_descent_only(kind, same):
    features, targets, rate, penalty = RNG.normal(size=(9, 4)), RNG.normal(size=9), 0.01, 0.5
    by_penalty, by_decay = np.ones(4), np.ones(4)
    first, second = kind(rate), kind(rate)
    for _ in range(20):
        by_penalty = first.step(by_penalty, ridge_gradient(features, targets, by_penalty, penalty))
        plain = ridge_gradient(features, targets, by_decay, 0)
        by_decay = second.step(decayed(by_decay, rate * penalty), plain)
    assert np.allclose(by_penalty, by_decay, atol=1e-12) == same
