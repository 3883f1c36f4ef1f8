"""A graph back as a torch module: equal to the engine for every operation, with the graph's names, and no further."""

import numpy as np
import pytest
import torch

from pellucid import _engine
from pellucid.errors import UsageError
from pellucid.graph import INPUT, Graph, Node
from pellucid.learn.inspect.as_module import AsModule, as_module
from pellucid.learn.inspect.torch_operations import OPERATIONS
from tests.engine.cases import CASES
from tests.engine.test_operations import sizes
from tests.inspect.nets import chain, network, noise


def rebuilt(case):
    """The engine's list of nodes in the words of `pellucid.graph`, names made unlike each other."""
    names = [INPUT, *(f"layer{i}.{name}" for i, (name, *_) in enumerate(case.nodes))]
    nodes, weights = [], {}
    for (_, operation, inputs, attributes, arrays), name in zip(case.nodes, names[1:], strict=True):
        plain = {key: tuple(v) if isinstance(v, list) else v for key, v in attributes.items()}
        nodes.append(Node(name, operation, tuple(names[i + 1] for i in inputs), plain))
        weights |= {f"{name}.{role}": array for role, array in arrays.items()}
    return AsModule(Graph(tuple(nodes), case.channels), weights).eval()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_every_operation_is_the_engines(case):
    h, w = sizes(case)[-1]
    x = np.random.default_rng(3).standard_normal((2, h, w, case.channels)).astype(np.float32)
    wanted, _ = _engine.Network(case.nodes, case.channels).run(x, threads=1)
    with torch.no_grad():
        got = rebuilt(case)(torch.from_numpy(x.transpose(0, 3, 1, 2).copy())).numpy().transpose(0, 2, 3, 1)
    assert got.shape == wanted.shape
    assert np.abs(got - wanted).max() < max(case.tolerance, 2e-5) * max(np.abs(wanted).max(), 1e-6)


def test_every_operation_of_the_engine_is_here():
    assert set(OPERATIONS) == {operation["name"] for operation in _engine.operations()}


def test_layers_keep_their_names_and_maps_go_no_further_than_asked():
    nodes, weights = chain(depth=2)
    nodes.append(Node("conv0.head", "flatten", ("last",)))  # a layer below another's name
    nodes.append(Node("dense", "linear", ("conv0.head",)))
    weights["dense.weight"] = np.ones((2, 40 * 44))
    net = network(nodes, weights, size=(40, 44))
    module = as_module(net)
    assert set(net.layers) <= {name for name, _ in module.named_modules()}
    x = noise(12, 9)  # a size that the dense layer refuses
    (seen,) = module.maps(torch.from_numpy(x.transpose(2, 0, 1)[None].copy()), ["relu1"])
    assert seen.shape == (1, 6, 12, 9)
    with pytest.raises(UsageError, match="unknown layer 'rellu1'.*relu1"):
        module.maps(torch.zeros(1, 1, 8, 8), ["rellu1"])


def test_shared_weights_are_one_parameter():
    nodes = [Node("a", "conv"), Node("b", "conv", ("a",), weights="a")]
    module = as_module(network(nodes, {"a.weight": np.ones((1, 1, 1, 1))}))
    assert len(list(module.parameters())) == 1
