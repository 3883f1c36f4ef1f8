"""Times of layers: which are measured, and that a layer alone does what it does within its network."""

import numpy as np

from pellucid.graph import INPUT, Node
from pellucid.inspect import cost, layer_times
from pellucid.inspect.as_input import as_input
from pellucid.inspect.layer_times import alone
from tests.inspect.nets import chain, network, noise


def test_every_layer_with_a_step_of_its_own_is_measured():
    nodes, weights = chain(depth=2)
    nodes += [
        Node("sum", "add", ("relu0", "relu1")),
        Node("wide", "concat", ("sum", "relu1", "last")),  # reads maps of different shapes
    ]
    found = layer_times(network(nodes, weights), 20, 30)
    assert set(found.seconds) == {"conv0", "conv1", "last", "sum"}  # rectifiers ride along
    assert found.whole > 0 and abs(sum(found.share(name) for name in found.seconds) - 1) < 1e-9
    assert found.share("wide") is None and found.share("relu0") is None


def test_a_layer_alone_does_what_it_does_within():
    net = network(*chain(depth=3, channels=3), 3)
    _, maps = net.run(x := as_input(net, noise(17, 23, 3)), keep=net.layers)
    maps[INPUT] = x
    shapes = {INPUT: (17, 23, 3)} | {layer.layer: layer.shape for layer in cost(net, 17, 23)}
    for node in net.graph.nodes:
        got = alone(net, node, shapes).run(maps[node.inputs[0]])
        assert np.allclose(got, maps[node.name], atol=1e-6), node.name
