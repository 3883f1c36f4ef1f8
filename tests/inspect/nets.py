"""Networks for these tests: made of nodes and weights in memory, without files."""

import numpy as np

from pellucid.card import Card
from pellucid.graph import Graph, Node
from pellucid.modelfile import ModelFile
from pellucid.network import Network


def network(nodes, weights, channels=1, **graph):
    arrays = {name: np.asarray(value, np.float32) for name, value in weights.items()}
    return Network(ModelFile(Graph(tuple(nodes), channels, **graph), arrays, Card()), "small")


def chain(depth=3, units=6, gain=1.0, seed=0, channels=1):
    """3 x 3 convolutions with ReLU between, random weights of the size that keeps variance, times `gain`."""
    random = np.random.default_rng(seed)
    nodes, weights, before, ic = [], {}, "input", channels
    for i in range(depth):
        nodes += [
            Node(f"conv{i}", "conv", (before,), {"padding": (1, 1, 1, 1)}),
            Node(f"relu{i}", "relu", (f"conv{i}",)),
        ]
        weights[f"conv{i}.weight"] = gain * random.normal(0, (2 / (9 * ic)) ** 0.5, (units, ic, 3, 3))
        before, ic = f"relu{i}", units
    nodes.append(Node("last", "conv", (before,), {"padding": (1, 1, 1, 1)}))
    weights["last.weight"] = random.normal(0, 0.1, (1, units, 3, 3))
    return nodes, weights


def noise(h=40, w=44, c=1, seed=1):
    return np.random.default_rng(seed).random((h, w, c)).astype(np.float32)
