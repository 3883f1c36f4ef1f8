"""A state holds everything: restored, a run draws and learns what it would have."""

import random

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from pellucid.learn.training.average import MovingAverage  # noqa: E402
from pellucid.learn.training.checkpoints import read_state, write_checkpoint  # noqa: E402
from pellucid.learn.training.state import State, weights_hash  # noqa: E402


def new(seed):
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Dropout(0.5), nn.Conv2d(3, 1, 3))
    return State(network, torch.optim.AdamW(network.parameters(), lr=0.01), MovingAverage(network, 0.9))


def step(state):
    x = torch.rand(2, 1, 8, 8) * random.random() * float(np.random.rand())
    state.network(x).square().mean().backward()
    state.optimiser.step()
    state.optimiser.zero_grad()
    state.step += 1
    state.average.update(state.network, state.step)


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
