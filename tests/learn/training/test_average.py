"""The moving average of weights. [A13]"""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from pellucid.learn.training.average import MovingAverage  # noqa: E402


def test_it_is_the_recurrence():
    network = nn.Linear(2, 1)
    average = MovingAverage(network, 0.9)
    expected = network.weight.detach().double().clone()
    for n in range(1, 200):
        with torch.no_grad():
            network.weight.copy_(torch.randn(1, 2, generator=torch.Generator().manual_seed(n)))
        average.update(network, n)
        decay = min(0.9, (1 + n) / (10 + n))
        expected = decay * expected + (1 - decay) * network.weight.detach().double()
    torch.testing.assert_close(average.network.weight.double(), expected, rtol=1e-5, atol=1e-6)
    assert not average.network.weight.requires_grad and not average.network.training


def test_what_is_not_learned_is_copied():
    network = nn.BatchNorm1d(2)
    average = MovingAverage(network, 0.99)
    network(torch.rand(5, 2))
    average.update(network, 1)
    assert torch.equal(average.network.running_mean, network.running_mean)
    assert average.network.num_batches_tracked == 1
