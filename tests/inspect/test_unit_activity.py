"""Activations: known values, and planted sickness that the verdict must name."""

import numpy as np

from pellucid.graph import Node
from pellucid.inspect import activations, verdict
from pellucid.inspect.unit_activity import independent
from tests.inspect.nets import chain, network, noise


def sentences(net, good):
    return " ".join(f.sentence for f in verdict(activations(net, noise())) if f.good is good)


def test_mean_variance_sparsity_of_a_known_map():
    net = network([Node("a", "affine", attributes={"scale": 1.0, "offset": -0.5}), Node("b", "relu", ("a",))], {})
    picture = np.tile(np.array([0, 1], np.float32), (8, 4))[..., None]
    a, b = activations(net, picture)
    assert (a.mean, a.variance, a.sparsity) == (0, 0.25, 0)
    assert (b.mean, b.variance, b.sparsity, b.dead) == (0.25, 0.0625, 0.5, ())
    assert activations(net, picture, ["b"])[0].layer == "b"


def test_planted_dead_units_are_named():
    nodes, weights = chain()
    weights["conv1.bias"] = np.array([0, -99, 0, -99, -99, 0])
    dead = activations(network(nodes, weights), noise(), ["relu1"])[0].dead
    assert {1, 3, 4} <= set(dead)
    said = sentences(network(nodes, weights), False)
    assert f"in 1 of 3 layers more than a fifth, most in relu1 ({len(dead)} of 6)." in said and "PReLU" in said


def test_planted_repetition_is_named():
    nodes, weights = chain()
    weights["conv1.weight"][:] = weights["conv1.weight"][:1]
    weights["conv1.bias"] = np.linspace(0.1, 0.2, 6)
    found = activations(network(nodes, weights), noise(), ["conv1"])[0]
    np.testing.assert_allclose(found.correlation, 1, atol=1e-4)
    assert "in 1 of 3 layers, most in relu1: 6 units vary there like 1.0 that differ" in sentences(
        network(nodes, weights), False
    )


def test_how_many_units_a_correlation_is_worth():
    twins = np.kron(np.eye(3), np.ones((2, 2)))
    assert np.allclose([independent(np.eye(4)), independent(np.ones((4, 4))), independent(twins)], [4, 1, 3])


def test_vanishing_and_exploding_activity_are_named():
    assert "fades with depth" in sentences(network(*chain(8, 8, 0.2)), False)
    assert "grows" in sentences(network(*chain(8, 8, 5.0)), False)
    assert "Activity lasts" in sentences(network(*chain(4, 24)), True)
    assert "Activity falls" in sentences(network(*chain(4, 24, 0.6)), None)


def test_a_net_without_activations_is_not_judged():
    net = network([Node("a", "affine", attributes={"scale": 2.0})], {})
    assert [f.good for f in verdict(activations(net, noise()))] == [None]


def test_one_position_makes_no_unit_dead():
    a = activations(network([Node("a", "relu")], {}), np.zeros((1, 1, 1), np.float32))[0]
    assert a.dead == () and len(a.correlation) == 0 and a.sparsity == 1
