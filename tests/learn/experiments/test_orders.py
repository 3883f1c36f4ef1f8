"""Derivatives are those of the values, and each order arrives; Newton needs one step on a quadratic. [A13]"""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from pellucid.learn.experiments.orders import ORDERS, PROBLEMS, Settings, bowl, second_order  # noqa: E402


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("n", [2, 4])
def test_derivatives(name, n):
    problem, x = PROBLEMS[name](n), np.random.default_rng(0).normal(size=n)
    steps = 1e-5 * np.eye(n)
    gradient = [(problem.value(x + s) - problem.value(x - s)) / 2e-5 for s in steps]
    assert np.allclose(problem.gradient(x), gradient, atol=1e-5)
    hessian = [(problem.gradient(x + s) - problem.gradient(x - s)) / 2e-5 for s in steps]
    assert np.allclose(problem.hessian(x), hessian, atol=1e-5)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", PROBLEMS)
def test_each_arrives(name, order):
    steps, told, arrived = ORDERS[order](PROBLEMS[name](3), Settings(goal=1e-3, steps=20_000))
    assert arrived and steps <= told


def test_newton_takes_one_step_on_a_bowl_and_pays_for_its_hessian():
    assert second_order(bowl(6), Settings()) == (1, 1 + 6 + 21 + 1, True)
