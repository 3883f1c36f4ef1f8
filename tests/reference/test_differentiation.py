"""All modes agree with each other and with finite differences; their costs are those of passes times layers. [A15]"""

import numpy as np
import pytest

from pellucid.reference.differentiation import Linear, Tanh, by_differences, explicit, forward_mode, reverse_mode

RNG = np.random.default_rng(0)


def chain(*sizes):
    layers = []
    for a, b in zip(sizes, sizes[1:], strict=False):
        layers += [Linear(RNG.normal(0, a**-0.5, (b, a)), RNG.normal(size=b)), Tanh(b)]
    return layers


@pytest.mark.parametrize("sizes", [(3, 1), (1, 4), (5, 4, 2), (2, 6, 3, 7)], ids=str)
def test_modes_agree(sizes):
    layers, x = chain(*sizes), RNG.normal(size=sizes[0])
    numeric = by_differences(layers, x)
    for mode in (forward_mode, reverse_mode, explicit):
        jacobian, _ = mode(layers, x)
        assert jacobian.shape == (sizes[-1], sizes[0])
        assert np.allclose(jacobian, numeric, atol=1e-8), mode.__name__


def test_costs():
    layers, x = chain(5, 4, 2), np.zeros(5)
    one_pass = 5 * 4 + 4 + 4 * 2 + 2
    assert forward_mode(layers, x)[1] == 5 * one_pass
    assert reverse_mode(layers, x)[1] == 2 * one_pass
    assert explicit(layers, x)[1] == 2 * (2 * 2 + 2 * 4 + 4 * 4 + 4 * 5)


def test_the_gradient_of_weights_is_an_outer_product():
    layer, x, u = chain(4, 3)[0], RNG.normal(size=4), RNG.normal(size=3)
    long = u @ layer.jacobian_of_weights(x)
    assert np.allclose(layer.pull_to_weights(x, u).ravel(), long)
    moved = Linear(layer.weights + 1e-6 * np.eye(3, 4), layer.bias)
    assert (moved.forward(x) - layer.forward(x)) @ u / 1e-6 == pytest.approx(np.trace(np.outer(u, x)), abs=1e-5)
