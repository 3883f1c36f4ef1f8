"""Costs by layer: shapes, parameters and multiply-adds counted by hand."""

import numpy as np

from pellucid.graph import Node
from pellucid.inspect import cost
from tests.inspect.nets import network


def test_counted_by_hand():
    nodes = (
        Node("a", "conv", attributes={"padding": (1, 1, 1, 1), "stride": 2}),
        Node("b", "relu", ("a",)),
        Node("c", "conv", ("b",)),
        Node("d", "conv", ("c",), weights="c"),
    )
    weights = {"a.weight": np.ones((4, 3, 3, 3)), "a.bias": np.ones(4), "c.weight": np.ones((4, 4, 1, 1))}
    layers = cost(network(nodes, weights, 3), 10, 8)
    assert [layer.layer for layer in layers] == list("abcd")
    assert [layer.shape for layer in layers] == [(5, 4, 4)] * 4
    assert [layer.parameters for layer in layers] == [112, 0, 16, 0]  # shared weights count once
    assert [layer.multiply_adds for layer in layers] == [5 * 4 * 4 * 27, 0, 5 * 4 * 16, 5 * 4 * 16]
    assert layers[0].map_bytes == 4 * 5 * 4 * 4
