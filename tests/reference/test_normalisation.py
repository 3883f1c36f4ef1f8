"""Normalisation over every kind of slice, batch norm in both modes, pixel and weight normalisation."""

from itertools import product

import numpy as np
import pytest

from pellucid.errors import UsageError
from pellucid.reference import normalisation as n
from tests.reference.cases import Case, holds, random_values

NAMES = {"batch": "batch norm, training", "instance": "instance norm", "group": "group norm"}
NAMES |= {"channels": "layer norm over channels", "sample": "layer norm over all"}


def torch_norm(over: str, groups: int, epsilon: float):
    def call(x, weight=None, bias=None):
        import torch

        f = torch.nn.functional
        if over in ("channels", "sample"):
            return f.layer_norm(x, x.shape[-1:] if over == "channels" else x.shape[1:], weight, bias, epsilon)
        first = x.movedim(-1, 1)
        if over == "batch":
            y = f.batch_norm(first, None, None, weight, bias, training=True, eps=epsilon)
        elif over == "instance":
            y = f.instance_norm(first, weight=weight, bias=bias, eps=epsilon)
        else:
            y = f.group_norm(first, groups, weight, bias, epsilon)
        return y.movedim(1, -1)

    return call


def norm_case(over: str, size, affine: bool, groups: int = 1, epsilon: float = 1e-5) -> Case:
    options = {"over": over, "groups": groups, "epsilon": epsilon}
    shape = (*size, 4) if over == "sample" else (4,)
    label = f"{size} affine {affine} groups {groups} epsilon {epsilon}"
    values = random_values(f"{over} {label}", x=(3, *size, 4), weight=shape, bias=shape)
    gradients = {
        "x": lambda dy, x, weight=None, bias=None: n.normalise_backward_data(dy, x, weight, **options),
        "weight": lambda dy, x, weight, bias: n.normalise_backward_weight(dy, x, shape, **options),
        "bias": lambda dy, x, weight, bias: n.normalise_backward_bias(dy, shape),
    }
    return Case(
        NAMES[over],
        label,
        values if affine else {"x": values["x"]},
        lambda x, weight=None, bias=None: n.normalise(x, weight, bias, **options),
        gradients if affine else {"x": gradients["x"]},
        torch_norm(over, groups, epsilon),
    )


def evaluation_case(size) -> Case:
    constants = random_values("statistics", mean=(4,), variance=(4,))
    mean, variance = constants["mean"], constants["variance"] ** 2 + 0.1

    def by_torch(x, weight, bias):
        import torch

        f = torch.nn.functional
        y = f.batch_norm(x.movedim(-1, 1), torch.tensor(mean), torch.tensor(variance), weight, bias)
        return y.movedim(1, -1)

    return Case(
        "batch norm, test",
        f"{size}",
        random_values(f"test mode {size}", x=(2, *size, 4), weight=(4,), bias=(4,)),
        lambda x, weight, bias: n.batch_norm(x, weight, bias, mean, variance),
        {
            "x": lambda dy, x, weight, bias: n.batch_norm_backward_data(dy, weight, variance),
            "weight": lambda dy, x, weight, bias: n.batch_norm_backward_weight(dy, x, mean, variance),
            "bias": lambda dy, x, weight, bias: n.batch_norm_backward_bias(dy),
        },
        by_torch,
    )


def pixel_case(size) -> Case:
    def by_torch(x):
        return x / (x.square().mean(dim=-1, keepdim=True) + 1e-8).sqrt()

    return Case(
        "pixel norm",
        f"{size}",
        random_values(f"pixel norm {size}", x=(2, *size, 4)),
        n.pixel_norm,
        {"x": n.pixel_norm_backward_data},
        by_torch,
    )


def weight_case(shape) -> Case:
    def by_torch(v, g):
        import torch

        return torch._weight_norm(v, g.reshape(-1, *(1,) * (v.ndim - 1)), 0)

    return Case(
        "weight norm",
        f"{shape}",
        random_values(f"weight norm {shape}", v=shape, g=shape[:1]),
        n.weight_norm,
        {"v": n.weight_norm_backward_direction, "g": lambda dw, v, g: n.weight_norm_backward_length(dw, v)},
        by_torch,
    )


CASES = [
    norm_case(over, size, affine, epsilon=epsilon)
    for over, size, affine, epsilon in product(
        ["batch", "instance", "channels", "sample"], [(5,), (3, 4), (2, 3, 2)], [True, False], [1e-5, 0.1]
    )
]
CASES += [norm_case("group", (3, 4), a, groups=g) for a, g in product([True, False], [1, 2, 4])]
CASES += [evaluation_case(size) for size in [(5,), (3, 4), (2, 3, 2)]]
CASES += [pixel_case(size) for size in [(5,), (3, 4)]]
CASES += [weight_case(shape) for shape in [(4, 3), (4, 3, 2, 3)]]
test_case = holds(CASES)


def test_slices_that_are_the_same() -> None:
    """One group is layer norm without position weights, as many groups as channels is instance norm."""
    x = random_values("same", x=(2, 3, 4, 6))["x"]
    np.testing.assert_allclose(n.normalise(x, over="group", groups=1), n.normalise(x, over="sample"))
    np.testing.assert_allclose(n.normalise(x, over="group", groups=6), n.normalise(x, over="instance"))
    np.testing.assert_allclose(n.normalise(x[:1], over="batch"), n.normalise(x[:1], over="instance"))


def test_training_and_test_mode_agree_once_statistics_have_settled() -> None:
    x = 3 + 2 * random_values("settled", x=(8, 5, 5, 2))["x"]
    mean, variance = np.zeros(2), np.ones(2)
    for _ in range(200):
        mean, variance = n.running_statistics(mean, variance, x)
    one, zero = np.ones(2), np.zeros(2)
    settled = n.batch_norm(x, one, zero, mean, variance * (1 - 1 / 200))  # torch keeps the variance over m - 1
    np.testing.assert_allclose(settled, n.normalise(x, over="batch"), atol=1e-6)


def test_running_statistics_are_those_of_torch() -> None:
    torch = pytest.importorskip("torch")
    layer = torch.nn.BatchNorm2d(3, momentum=0.2, dtype=torch.float64)
    mean, variance = np.zeros(3), np.ones(3)
    for step in range(5):
        x = random_values(f"running {step}", x=(2, 4, 3, 3))["x"]
        layer(torch.tensor(x).movedim(-1, 1))
        mean, variance = n.running_statistics(mean, variance, x, momentum=0.2)
    np.testing.assert_allclose(mean, layer.running_mean.numpy(), rtol=1e-13)
    np.testing.assert_allclose(variance, layer.running_var.numpy(), rtol=1e-13)


def test_pixel_norm_gives_every_pixel_the_same_length() -> None:
    y = n.pixel_norm(random_values("length", x=(1, 4, 4, 8))["x"])
    np.testing.assert_allclose((y**2).mean(axis=-1), 1, rtol=1e-6)


def test_weight_norm_has_the_length_it_is_given() -> None:
    v = random_values("weights", v=(3, 2, 3, 3))["v"]
    w = n.weight_norm(v, np.array([1.0, 2, 3]))
    np.testing.assert_allclose(np.linalg.norm(w.reshape(3, -1), axis=1), [1, 2, 3])


def test_unknown_slice() -> None:
    with pytest.raises(UsageError, match="unknown slice to normalise over 'bach'.*did you mean 'batch'"):
        n.normalise(np.zeros((1, 2, 2, 1)), over="bach")
