"""Equivariance: exact for convolutions, at the stride only for strided ones, and trivial for global means."""

import numpy as np
import pytest

from pellucid.graph import Node
from pellucid.inspect import equivariance
from tests.inspect.nets import chain, network, noise


def test_convolutions_move_with_the_picture():
    found = equivariance(network(*chain(2)), noise(60, 70))
    assert found.stride == 1 and found.is_map
    assert found.error < 1e-5 and all(error < 1e-5 for _, error in found.stability)


def test_a_strided_net_moves_by_whole_strides_only():
    nodes = [
        Node("down", "conv", attributes={"padding": (1, 1, 1, 1), "stride": 4}),
        Node("up", "resize", ("down",), {"mode": "nearest", "scale": (4.0, 4.0)}),
    ]
    weights = {"down.weight": np.random.default_rng(0).normal(size=(1, 1, 3, 3))}
    found = equivariance(network(nodes, weights), noise(64, 80))
    errors = dict(found.stability)
    assert found.stride == 4 and found.error < 1e-5 and errors[8] < 1e-5
    assert min(errors[1], errors[2], errors[3]) > 0.3


def test_bending_a_smooth_picture_bends_the_answer_of_a_pointwise_net():
    y, x = np.mgrid[:48, :56] / 8
    picture = (0.5 + 0.2 * np.sin(x) + 0.2 * np.cos(y))[..., None].astype(np.float32)
    net = network([Node("a", "affine", attributes={"scale": 2.0, "offset": 0.1})], {})
    assert all(error < 1e-4 for _, error in equivariance(net, picture).bending)


@pytest.mark.parametrize("operation", ["relu", "sigmoid"])
def test_any_size_of_picture_will_do(operation):
    found = equivariance(network([Node("a", operation)], {}), noise(9, 7))
    assert found.error < 1e-6
