"""Alrao: every unit moves by its own rate, votes go to the heads that predict, and it learns without a rate. [A13]"""

import math

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from pellucid.errors import UsageError  # noqa: E402
from pellucid.learn.alrao import Alrao  # noqa: E402


def model(**changes):
    torch.manual_seed(0)
    return Alrao(nn.Sequential(nn.Linear(4, 16), nn.ReLU()), 16, 3, **changes)


def clouds(n):
    random = torch.Generator().manual_seed(1)
    labels = torch.arange(n) % 3
    return torch.randn(n, 4, generator=random) + 3 * torch.eye(4)[labels], labels


def test_each_unit_moves_by_its_rate_times_its_gradient():
    net = model(rates=(1e-4, 1e-1))
    x, labels = clouds(30)
    before = net.body[0].weight.detach().clone()
    loss = nn.functional.nll_loss(net(x), labels)
    gradient = torch.autograd.grad(loss, net.body[0].weight)[0]
    net.step(x, labels)
    rate = net.rates["0"]
    assert torch.allclose(net.body[0].weight, before - rate[:, None] * gradient, atol=1e-6)
    assert 1e-4 <= rate.min() < 1e-3 < 1e-2 < rate.max() <= 1e-1


def test_outputs_are_probabilities_and_votes_go_to_heads_that_predict():
    net = model()
    x, labels = clouds(60)
    for _ in range(60):
        net.step(x, labels)
    assert torch.allclose(net(x).exp().sum(1), torch.ones(60), atol=1e-4)
    votes = net.log_votes.exp()
    assert votes.sum().item() == pytest.approx(1, abs=1e-4) and votes.max() > 2 / len(votes)
    assert net.head_rates[votes.argmax()] > 1e-3


def test_it_learns_without_a_rate_even_where_some_units_run_away():
    net = model(rates=(1e-5, 100.0))
    x, labels = clouds(90)
    losses = [net.step(x, labels) for _ in range(200)]
    assert all(math.isfinite(loss) for loss in losses)
    assert (net(x).argmax(1) == labels).float().mean() > 0.9


def test_rates_that_are_none_are_refused():
    with pytest.raises(UsageError, match="0 < low < high"):
        model(rates=(1.0, 0.1))
