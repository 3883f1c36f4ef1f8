"""Activations and softmax: derivatives, torch, and the lectures' decisions at the kinks."""

import numpy as np
import pytest

from pellucid.errors import UsageError
from pellucid.reference import activations as a
from tests.reference.cases import Case, holds, random_values


def activation_case(name: str, by_torch, **options) -> Case:
    forward, backward = getattr(a, name), getattr(a, f"{name}_backward_data")
    return Case(
        name,
        f"{options}",
        {"x": 2.5 * random_values(name, x=(2, 4, 5, 3))["x"]},
        lambda x: forward(x, **options),
        {"x": lambda dy, x: backward(dy, x, **options)},
        by_torch,
    )


def functional(name: str, **options):
    """The function of torch.nn.functional, looked up when called."""

    def call(x):
        import torch

        return getattr(torch.nn.functional, name)(x, **options)

    return call


def torch_prelu(x, weight):
    import torch

    return torch.nn.functional.prelu(x.movedim(-1, 1), weight).movedim(1, -1)


def torch_step(x):
    import torch

    return torch.heaviside(x, torch.zeros((), dtype=x.dtype))


def prelu_case(slopes: int) -> Case:
    return Case(
        "prelu",
        f"{slopes} slopes",
        random_values(f"prelu {slopes}", x=(2, 3, 4, 3), weight=(slopes,)),
        a.prelu,
        {"x": a.prelu_backward_data, "weight": a.prelu_backward_weight},
        torch_prelu,
    )


CASES = [
    Case("step", "", random_values("step", x=(2, 4, 5, 3)), a.step, {"x": a.step_backward_data}, None),
    activation_case("relu", functional("relu")),
    activation_case("leaky_relu", functional("leaky_relu", negative_slope=0.01)),
    activation_case("leaky_relu", functional("leaky_relu", negative_slope=0.2), slope=0.2),
    prelu_case(3),
    prelu_case(1),
    activation_case("sigmoid", functional("sigmoid")),
    activation_case("tanh", functional("tanh")),
    activation_case("softsign", functional("softsign")),
    activation_case("selu", functional("selu")),
    activation_case("sine", lambda x: x.sin()),
    activation_case("sine", lambda x: (30 * x).sin(), frequency=30.0),
    activation_case("softplus", functional("softplus", threshold=1000)),
    activation_case("silu", functional("silu")),
    activation_case("gelu", functional("gelu", approximate="none"), approximate="none"),
    activation_case("gelu", functional("gelu", approximate="tanh"), approximate="tanh"),
    activation_case("hardswish", functional("hardswish")),
    activation_case("clip", lambda x: x.clamp(0, 6), low=0.0, high=6.0),
    activation_case("clip", lambda x: x.clamp(-1, 0.5), low=-1.0, high=0.5),
    activation_case("softmax", functional("softmax", dim=-1)),
]
test_case = holds(CASES)


def test_the_kinks() -> None:
    """ReLU'(0) = 0, so ReLU' is the step; below 0 the leaky slope is +0.01, as the function itself says."""
    x, one = np.array([-2.0, 0.0, 3.0]), np.ones(3)
    assert a.relu_backward_data(one, x).tolist() == a.step(x).tolist() == [0, 0, 1]
    assert a.leaky_relu_backward_data(one, x).tolist() == [0.01, 0.01, 1]
    assert a.leaky_relu(x).tolist() == [-0.02, 0, 3]


def test_step_against_torch() -> None:
    torch = pytest.importorskip("torch")
    x = np.array([[-1.0, 0, 1e-9]])
    np.testing.assert_array_equal(a.step(x), torch_step(torch.tensor(x)).numpy())


def test_tanh_by_way_of_sigmoid() -> None:
    x = np.linspace(-8, 8, 101)
    np.testing.assert_allclose(a.tanh(x), 2 * a.sigmoid(2 * x) - 1, atol=1e-15)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softsign", "selu", "softplus", "silu", "softmax", "hardswish"])
def test_nothing_overflows(name: str) -> None:
    x = np.array([[-1e4, -50.0, 0.0, 50.0, 1e4]])
    with np.errstate(over="raise", invalid="raise"):
        assert np.isfinite(getattr(a, name)(x)).all()


def test_softmax_is_a_distribution_that_ignores_shifts() -> None:
    x = random_values("softmax", x=(2, 3, 3, 5))["x"]
    np.testing.assert_allclose(a.softmax(x).sum(axis=-1), 1)
    np.testing.assert_allclose(a.softmax(x + 7), a.softmax(x))


def test_unknown_approximation() -> None:
    with pytest.raises(UsageError, match="unknown approximation of GELU 'than'; expected: one of none, tanh; hint"):
        a.gelu(np.zeros(1), "than")
