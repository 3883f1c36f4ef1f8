"""Digits as tensors: nothing held out is learned from; training stops where numbers are not finite."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from pellucid.errors import DatabaseError  # noqa: E402
from pellucid.learn.experiments.digits import digits, fit, measure  # noqa: E402
from pellucid.learn.experiments.relu_and_tanh import _arrival  # noqa: E402
from pellucid.learn.networks.perceptron import MLP  # noqa: E402
from tests.learn.experiments.small import strokes  # noqa: E402


def test_parts_are_apart_and_normalised_by_what_is_learned_from():
    known = digits(strokes(), 150, 60)
    assert known.x.shape == (150, 1, 28, 28) and known.unseen_labels.shape == (60,)
    assert known.x.mean().abs() < 1e-5 and known.x.std().item() == pytest.approx(1)
    seen = {tuple(p.flatten().tolist()) for p in known.x}
    assert not any(tuple(p.flatten().tolist()) in seen for p in known.unseen_x)
    with pytest.raises(DatabaseError, match="seen: 240; expected: 300"):
        digits(strokes(), 200, 100)


def test_it_learns_and_measures_what_it_never_saw():
    torch.manual_seed(0)
    known = digits(strokes(), 180, 60)
    net = MLP((784, 30, 10))
    before = measure(net, known.unseen_x, known.unseen_labels)[0]
    losses = fit(net, known, torch.optim.Adam(net.parameters(), 2e-3), 80, 20, 0)
    assert len(losses) == 80 and losses[-1] < losses[0] / 3
    assert measure(net, known.unseen_x, known.unseen_labels)[0] > max(0.6, before)


def test_a_loss_that_is_not_finite_ends_it():
    known, net = digits(strokes(), 180, 60), MLP((784, 30, 10))
    losses = fit(net, known, torch.optim.SGD(net.parameters(), 1e30), 50, 20, 0)
    assert len(losses) < 50


def test_arrival_is_the_first_step_at_the_goal():
    assert _arrival([10, 20, 30], [0.5, 0.1, 0.2], 0.1) == 20 and _arrival([10], [0.5], 0.1) == float("inf")
