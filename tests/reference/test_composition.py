"""Graphs of layers: outputs and gradients are those of the same graph in torch, nested too. [A14]"""

from dataclasses import dataclass

import numpy as np
import pytest

from pellucid.reference.composition import Concatenation, Identity, InSequence, Sum

RNG = np.random.default_rng(0)


@dataclass
class Dense:
    weights: np.ndarray

    def forward(self, x):
        return x @ self.weights

    def backward(self, dy):
        return dy @ self.weights.T


class Relu:
    def forward(self, x):
        self.kept = x > 0
        return x * self.kept

    def backward(self, dy):
        return dy * self.kept


def dense(a, b):
    return Dense(RNG.normal(size=(a, b)))


GRAPHS = {
    "sequence": InSequence([dense(5, 4), Relu(), dense(4, 3)]),
    "residual": Sum([InSequence([dense(5, 7), Relu(), dense(7, 5)]), Identity()]),
    "skip": InSequence([Concatenation([InSequence([dense(5, 3), Relu()]), Identity()]), dense(8, 2)]),
    "dense block": Concatenation([Identity(), Concatenation([dense(5, 2), Identity()]), Relu()]),
    "three branches": Sum([dense(5, 6), InSequence([Relu(), dense(5, 6)]), dense(5, 6)]),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_gradients_are_those_of_finite_differences(name):
    graph, x = GRAPHS[name], RNG.normal(size=(3, 5))
    dy = RNG.normal(size=graph.forward(x).shape)
    numeric = np.zeros_like(x)
    for place in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[place] = 1e-6
        numeric[place] = np.sum(dy * (graph.forward(x + step) - graph.forward(x - step))) / 2e-6
    graph.forward(x)
    assert np.allclose(graph.backward(dy), numeric, atol=1e-7)


def test_a_branch_copies_forward_and_adds_backward():
    twice = Sum([Identity(), Identity()])
    x = np.array([[1.0, 2.0]])
    assert np.array_equal(twice.forward(x), 2 * x) and np.array_equal(twice.backward(x), 2 * x)
    beside = Concatenation([Identity(), Identity()])
    assert np.array_equal(beside.forward(x), [[1, 2, 1, 2]])
    assert np.array_equal(beside.backward(np.array([[1.0, 2, 30, 40]])), [[31, 42]])


def test_layers_of_torch_agree():
    torch = pytest.importorskip("torch")
    graph, x = GRAPHS["skip"], RNG.normal(size=(4, 5))
    inner, last = graph.layers[0].paths[0].layers[0].weights, graph.layers[1].weights
    given = torch.tensor(x, requires_grad=True)
    output = torch.cat([torch.relu(given @ torch.tensor(inner)), given], 1) @ torch.tensor(last)
    dy = RNG.normal(size=output.shape)
    output.backward(torch.tensor(dy))
    assert np.allclose(graph.forward(x), output.detach()) and np.allclose(graph.backward(dy), given.grad)
