"""Optimisers: step by step against torch.optim, by hand, and on a small problem."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from pellucid.reference import optimisers as o
from tests.reference.cases import relative_error

STEPS = 40


@dataclass(frozen=True)
class Twin:
    """One of our optimisers and the settings of torch's that mean the same."""

    make: Callable[[], Any]
    torch_name: str
    torch_settings: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.make()}"


TWINS = [
    Twin(lambda: o.GradientDescent(0.1), "SGD", {"lr": 0.1}),
    Twin(lambda: o.GradientDescent(1.5), "SGD", {"lr": 1.5}),
    Twin(lambda: o.Momentum(0.1), "SGD", {"lr": 0.1, "momentum": 0.9}),
    Twin(lambda: o.Momentum(0.02, beta=0.99), "SGD", {"lr": 0.02, "momentum": 0.99}),
    Twin(lambda: o.Nesterov(0.1), "SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    Twin(lambda: o.Nesterov(0.05, beta=0.5), "SGD", {"lr": 0.05, "momentum": 0.5, "nesterov": True}),
    Twin(lambda: o.Adagrad(), "Adagrad", {"lr": 0.01}),
    Twin(lambda: o.Adagrad(0.5, epsilon=1e-3), "Adagrad", {"lr": 0.5, "eps": 1e-3}),
    Twin(lambda: o.RMSProp(), "RMSprop", {"lr": 0.01}),
    Twin(lambda: o.RMSProp(0.1, beta=0.9, epsilon=1e-4), "RMSprop", {"lr": 0.1, "alpha": 0.9, "eps": 1e-4}),
    Twin(lambda: o.Adadelta(), "Adadelta", {"lr": 1.0}),
    Twin(lambda: o.Adadelta(0.5, beta=0.95, epsilon=1e-3), "Adadelta", {"lr": 0.5, "rho": 0.95, "eps": 1e-3}),
    Twin(lambda: o.Adam(), "Adam", {"lr": 1e-3}),
    Twin(lambda: o.Adam(0.1, 0.5, 0.9, 1e-3), "Adam", {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-3}),
    Twin(lambda: o.AdamW(), "AdamW", {"lr": 1e-3, "weight_decay": 0.01}),
    Twin(lambda: o.AdamW(0.1, decay=0.3), "AdamW", {"lr": 0.1, "weight_decay": 0.3}),
]


def slope(theta: np.ndarray, step: int) -> np.ndarray:
    """The gradient of a bent bowl, 1/2 sum of a theta^2 + cos theta, with noise that the step decides."""
    noise = np.random.default_rng(step).normal(size=theta.shape)
    return np.arange(1, theta.size + 1) / theta.size * theta - np.sin(theta) + 0.1 * noise


def error_beside_torch(twin: Twin) -> float:
    """The worst relative error of the parameters over all steps, each optimiser on its own path."""
    torch = pytest.importorskip("torch")
    ours, theta = twin.make(), np.linspace(-2, 3, 7)
    parameter = torch.nn.Parameter(torch.tensor(theta))
    theirs = getattr(torch.optim, twin.torch_name)([parameter], **twin.torch_settings)
    worst = 0.0
    for step in range(STEPS):
        parameter.grad = torch.tensor(slope(parameter.detach().numpy(), step))
        theirs.step()
        theta = ours.step(theta, slope(theta, step))
        worst = max(worst, relative_error(theta, parameter.detach().numpy()))
    return worst


@pytest.mark.parametrize("twin", TWINS, ids=str)
def test_step_by_step_against_torch(twin: Twin) -> None:
    assert error_beside_torch(twin) < 1e-12


def test_momentum_by_hand() -> None:
    """m = 0.5 m - 0.1 g with g = 1, then 2: steps of -0.1 and -0.25."""
    momentum = o.Momentum(0.1, beta=0.5)
    theta = momentum.step(np.zeros(1), np.array([1.0]))
    assert math.isclose(theta[0], -0.1)
    assert math.isclose(momentum.step(theta, np.array([2.0]))[0], -0.35)


def test_adam_averages_its_own_momentum() -> None:
    """m_t holds beta1 m_(t-1), not beta1 g_(t-1): after gradients 1, 0, 0 it is 0.1 * 0.9^2, not 0."""
    adam, theta = o.Adam(), np.zeros(1)
    for g in (1.0, 0.0, 0.0):
        theta = adam.step(theta, np.array([g]))
    assert math.isclose(adam.m[0], 0.1 * 0.9**2)


def test_adam_begins_with_steps_as_long_as_the_rate() -> None:
    """With the bias corrected the first step is the rate, whatever the gradient's size."""
    for size in (1e-3, 1.0, 1e3):
        assert math.isclose(o.Adam(0.1).step(np.zeros(1), np.array([size]))[0], -0.1, rel_tol=1e-4)


def test_the_rate_is_inside_the_momentum() -> None:
    """A rate set to 0 stops new gradients, not the momentum gathered so far."""
    momentum = o.Momentum(0.1, beta=0.5)
    theta = momentum.step(np.zeros(1), np.ones(1))
    momentum.rate = 0.0
    assert math.isclose(momentum.step(theta, np.ones(1))[0], -0.15)


@pytest.mark.parametrize(
    "optimiser",
    [o.GradientDescent(0.1), o.Momentum(0.02), o.Nesterov(0.02), o.Adagrad(1.0), o.RMSProp(0.01), o.Adam(0.1)],
    ids=lambda optimiser: type(optimiser).__name__,
)
def test_each_goes_down_an_ill_conditioned_bowl(optimiser: Any) -> None:
    """1/2 (x^2 + 10 y^2) from (3, 2), at 23.5, falls below 0.01 in 300 steps."""
    curvature = np.array([1.0, 10.0])
    theta = np.array([3.0, 2.0])
    for _ in range(300):
        theta = optimiser.step(theta, curvature * theta)
    if isinstance(optimiser, o.RMSProp):  # its steps are about the rate long: 3 away, 0.01 at a time
        assert 0.5 * np.sum(curvature * theta**2) < 0.1
    else:
        assert 0.5 * np.sum(curvature * theta**2) < 0.01
