"""A state holds everything: restored, a run draws and learns what it would have."""

import random

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from pellucid.learn.training.adam import AdamW  # noqa: E402
from pellucid.learn.training.average import MovingAverage  # noqa: E402
from pellucid.learn.training.checkpoints import read_state, write_checkpoint  # noqa: E402
from pellucid.learn.training.state import State, weights_hash  # noqa: E402


def new(seed, optimiser=AdamW):
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Dropout(0.5), nn.Conv2d(3, 1, 3))
    return State(network, optimiser(network.parameters(), lr=0.01), MovingAverage(network, 0.9))


def step(state):
    x = torch.rand(2, 1, 8, 8) * random.random() * float(np.random.rand())
    state.network(x).square().mean().backward()
    state.advance(0.5)


def test_a_restored_state_goes_on_like_the_one_saved(tmp_path):
    one = new(1)
    for _ in range(3):
        step(one)
    path = write_checkpoint(tmp_path, one.to_dict())
    for _ in range(3):
        step(one)
    other = new(2)
    random.seed(5), np.random.seed(6)
    other.restore(read_state(path))
    for _ in range(3):
        step(other)
    assert other.step == 6 and weights_hash(other.to_dict()) == weights_hash(one.to_dict())


@pytest.mark.parametrize("first", [AdamW, torch.optim.AdamW])
def test_both_optimisers_make_the_same_steps(first, tmp_path):
    """A run goes on with the other one, from what either has saved; a frozen weight's average follows it too."""
    right = new(1, torch.optim.AdamW)
    seen = new(1, first)
    for state in (right, seen):
        torch.manual_seed(3), random.seed(3), np.random.seed(3)
        state.network[0].bias.requires_grad_(False)
        for _ in range(3):
            step(state)
    other = new(2, torch.optim.AdamW if first is AdamW else AdamW)
    other.restore(read_state(write_checkpoint(tmp_path, seen.to_dict())))
    other.network[0].bias.requires_grad_(False)
    for state in (right, other):
        torch.manual_seed(4), random.seed(4), np.random.seed(4)
        for _ in range(3):
            step(state)
    for part in ("network", "average"):
        for name, tensor in right.to_dict()[part].items():
            torch.testing.assert_close(other.to_dict()[part][name], tensor, rtol=1e-4, atol=1e-5)


def test_the_length_of_gradients():
    for optimiser in (AdamW, torch.optim.AdamW):
        state = new(1, optimiser)
        state.network(torch.ones(2, 1, 8, 8)).square().mean().backward()
        right = np.sqrt(sum(float(p.grad.double().square().sum()) for p in state.network.parameters()))
        assert state.gradient_length() == pytest.approx(right, rel=1e-6)


def test_the_hash_sees_every_weight():
    one, hashes = new(1), set()
    for part in (one.network, one.average.network):
        hashes.add(weights_hash(one.to_dict()))
        with torch.no_grad():
            part[3].bias += 1e-6
    assert len(hashes | {weights_hash(one.to_dict())}) == 3


def test_weights_alone():
    one, other = new(1), new(2)
    step(one)
    other.begin_from(one.average.network.state_dict())
    assert other.step == 0
    for part in (other.network, other.average.network):
        assert torch.equal(part[0].weight, one.average.network[0].weight)
