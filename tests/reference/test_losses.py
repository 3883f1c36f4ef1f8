"""Losses: gradients and torch for every reduction, and what the lectures fix: divisors, crop, defaults."""

import math

import numpy as np
import pytest

from pellucid.errors import UsageError
from pellucid.reference import losses as l
from pellucid.reference.activations import sigmoid
from tests.reference.cases import Case, holds, random_values

REDUCTIONS = ["elements", "samples", "sum"]
SHAPE = (3, 4, 2, 5)


def regression_case(name: str, target: tuple[int, ...], reduction: str, by_torch, **options) -> Case:
    forward, backward = getattr(l, name), getattr(l, f"{name}_backward_data")
    label = f"{name} {SHAPE} to {target} {reduction}"
    t = random_values(f"{label} target", t=target)["t"]

    def torch_loss(y):
        import torch

        cropped = torch.tensor(np.array(l.centred_crop(t, SHAPE[1:-1])))
        return by_torch(torch, y, cropped) / l.divisor(np.zeros(SHAPE), reduction)

    return Case(
        name,
        f"{SHAPE} to {target} {reduction}",
        random_values(label, y=SHAPE),
        lambda y: forward(y, t, reduction=reduction, **options),
        {"y": lambda dy, y: dy * backward(y, t, reduction=reduction, **options)},
        torch_loss,
    )


def entropy_case(name: str, reduction: str) -> Case:
    """Binary cross-entropies, with soft targets."""
    forward, backward = getattr(l, name), getattr(l, f"{name}_backward_data")
    v = random_values(f"{name} {reduction}", x=SHAPE, t=SHAPE)
    x, t = v["x"], sigmoid(v["t"])

    def by_torch(x):
        import torch

        f = torch.nn.functional
        loss = f.binary_cross_entropy if name == "binary_cross_entropy" else f.binary_cross_entropy_with_logits
        return loss(x, torch.tensor(t), reduction="sum") / l.divisor(np.zeros(SHAPE), reduction)

    return Case(
        name,
        reduction,
        {"x": sigmoid(x) if name == "binary_cross_entropy" else x},
        lambda x: forward(x, t, reduction=reduction),
        {"x": lambda dy, x: dy * backward(x, t, reduction=reduction)},
        by_torch,
    )


def classes_case(kind: str, reduction: str, shape: tuple[int, ...]) -> Case:
    """Softmax cross-entropy, with class numbers or with probabilities."""
    label = f"{kind} {reduction} {shape}"
    rng = np.random.default_rng(5)
    t = rng.integers(shape[-1], size=shape[:-1]) if kind == "numbers" else rng.dirichlet(np.ones(shape[-1]), shape[:-1])

    def by_torch(x):
        import torch

        rows, flat = x.reshape(-1, shape[-1]), torch.tensor(t)
        targets = flat.reshape(-1) if kind == "numbers" else flat.reshape(-1, shape[-1])
        loss = torch.nn.functional.cross_entropy(rows, targets, reduction="sum")
        return loss / {"elements": x.numel(), "samples": len(rows), "sum": 1}[reduction]

    return Case(
        "softmax_cross_entropy",
        label,
        random_values(label, x=shape),
        lambda x: l.softmax_cross_entropy(x, t, reduction=reduction),
        {"x": lambda dy, x: dy * l.softmax_cross_entropy_backward_data(x, t, reduction=reduction)},
        by_torch,
    )


TORCH = {
    "mse": lambda torch, y, t: torch.nn.functional.mse_loss(y, t, reduction="sum"),
    "mae": lambda torch, y, t: torch.nn.functional.l1_loss(y, t, reduction="sum"),
    "half_squared_norm": lambda torch, y, t: 0.5 * torch.nn.functional.mse_loss(y, t, reduction="sum"),
    "charbonnier": lambda torch, y, t: ((y - t) ** 2 + 0.1**2).sqrt().sum(),
}
TARGETS = [SHAPE, (3, 8, 6, 5), (3, 7, 3, 5)]
OPTIONS: dict[str, dict[str, float]] = {"charbonnier": {"epsilon": 0.1}}
CASES = [
    regression_case(name, target, reduction, by_torch, **OPTIONS.get(name, {}))
    for name, by_torch in TORCH.items()
    for target in TARGETS
    for reduction in REDUCTIONS
]
CASES += [entropy_case(n, r) for n in ("binary_cross_entropy", "sigmoid_cross_entropy") for r in REDUCTIONS]
CASES += [classes_case(k, r, s) for k in ("numbers", "shares") for r in REDUCTIONS for s in [(4, 6), (2, 3, 3, 4)]]
LUMA = (65.481 / 255, 128.553 / 255, 24.966 / 255)


def log_error_case(luma: float, target: tuple[int, ...]) -> Case:
    shape, label = (3, 4, 2, 3), f"log_error {luma} {target}"
    v = random_values(label, y=shape, t=target)

    def by_torch(y):
        import torch

        difference = y - torch.tensor(np.array(l.centred_crop(v["t"], shape[1:-1])))
        on_luma = difference @ difference.new_tensor(LUMA)
        e = (1 - luma) * difference.square().mean((1, 2, 3)) + luma * on_luma.square().mean((1, 2))
        return 0.5 * torch.log(e + 1e-5).mean()

    return Case(
        "log_error",
        label,
        {"y": v["y"]},
        lambda y: l.log_error(y, v["t"], luma),
        {"y": lambda dy, y: dy * l.log_error_backward_data(y, v["t"], luma)},
        by_torch,
    )


CASES += [log_error_case(luma, target) for luma in (0.0, 0.4, 1.0) for target in [(3, 4, 2, 3), (3, 8, 4, 3)]]
test_case = holds(CASES)


def test_mse_divides_by_the_output_and_sees_the_centre() -> None:
    """A 2 x 2 output in a 4 x 4 target: only the middle counts, and the divisor is 4, its gradient 2 / 4 * (y - t)."""
    t = np.full((1, 4, 4, 1), 100.0)
    t[:, 1:3, 1:3] = [[[1.0], [2.0]], [[3.0], [4.0]]]
    y = np.zeros((1, 2, 2, 1))
    assert l.mse(y, t) == (1 + 4 + 9 + 16) / 4
    assert l.mse_backward_data(y, t).ravel().tolist() == [-0.5, -1, -1.5, -2]


def test_of_an_odd_surplus_the_larger_half_is_cut_at_the_end() -> None:
    assert l.centred_crop(np.arange(5.0).reshape(1, 5, 1), (2,)).ravel().tolist() == [1, 2]


def test_the_defaults() -> None:
    """Elements for MSE and MAE, the plain sum for the half squared norm, pixels for classes."""
    v = random_values("defaults", y=SHAPE, t=SHAPE)
    y, t = v["y"], v["t"]
    assert math.isclose(l.mse(y, t), np.mean((y - t) ** 2))
    assert math.isclose(l.mae(y, t), np.mean(np.abs(y - t)))
    assert math.isclose(l.half_squared_norm(y, t), 0.5 * np.linalg.norm(y - t) ** 2)
    np.testing.assert_allclose(l.half_squared_norm_backward_data(y, t), y - t)
    assert math.isclose(l.mse(y, t, reduction="samples"), np.sum((y - t) ** 2) / 3)
    even = np.zeros((2, 3, 3, 4))
    assert math.isclose(l.softmax_cross_entropy(even, np.zeros((2, 3, 3), int)), math.log(4))


def test_charbonnier_is_epsilon_at_its_rounded_tip_and_the_absolute_error_far_away() -> None:
    y = np.array([[0.0, 2.0, -3.0]])
    assert math.isclose(l.charbonnier(y[:, :1], np.zeros((1, 1))), 1e-3)
    assert math.isclose(l.charbonnier(y, np.zeros((1, 3)), reduction="sum"), 5.0, abs_tol=2e-3)


def test_two_ways_to_binary_cross_entropy() -> None:
    v = random_values("two ways", x=(3, 4), t=(3, 4))
    t = (v["t"] > 0).astype(float)
    assert math.isclose(l.binary_cross_entropy(sigmoid(v["x"]), t), l.sigmoid_cross_entropy(v["x"], t))
    assert l.binary_cross_entropy(t, t) == 0
    assert np.isfinite(l.sigmoid_cross_entropy(np.array([[1e4, -1e4]]), np.array([[1.0, 0.0]])))


def test_refusals_name_what_was_seen() -> None:
    y = np.zeros((1, 4, 4, 1))
    with pytest.raises(UsageError, match=r"target is smaller than the prediction; seen: \(2, 4\)"):
        l.mse(y, np.zeros((1, 2, 4, 1)))
    with pytest.raises(UsageError, match=r"\(1, 4, 4, 1\) and \(1, 4, 4, 3\)"):
        l.mse(y, np.zeros((1, 4, 4, 3)))
    with pytest.raises(UsageError, match="unknown reduction 'mean'; expected: one of elements, samples, sum"):
        l.mse(y, y, reduction="mean")  # type: ignore[arg-type]
