"""Wherever numbers stop being finite, the place is named."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from pellucid.learn.training.not_finite import first_not_finite, weights_not_finite  # noqa: E402


class Infinite(nn.Module):
    def forward(self, x):
        return x / 0


def network():
    return nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 2))


def test_the_input():
    x = torch.ones(1, 3)
    x[0, 1] = torch.nan
    assert first_not_finite(network(), x) == "the input of the network"


def test_the_weights():
    broken = network()
    assert weights_not_finite(broken) is None
    broken[2].bias.data[1] = torch.inf
    assert first_not_finite(broken, torch.ones(1, 3)) == "the weights 2.bias"


def test_the_first_of_several_layers():
    broken = nn.Sequential(nn.Linear(3, 3), Infinite(), nn.Linear(3, 2))
    assert first_not_finite(broken, torch.ones(1, 3)) == "the output of layer 1 (Infinite)"


def test_gradients_from_the_output_backwards():
    broken = network()
    for weights in (broken[0].weight, broken[2].weight):
        weights.grad = torch.full_like(weights, torch.nan)
    assert first_not_finite(broken, torch.ones(1, 3)) == "the gradient of 2.weight"


def test_nothing_left_but_the_loss():
    assert first_not_finite(network(), torch.ones(1, 3)) == "the loss"
