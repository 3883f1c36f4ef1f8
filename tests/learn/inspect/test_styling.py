"""Style transfer: the Gram matrix by its definition, errors that fall, and a picture in its own style that stays."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from pellucid.graph import Node  # noqa: E402
from pellucid.learn.inspect.styling import gram, layers_for, transfer  # noqa: E402
from tests.inspect.nets import chain, network, noise  # noqa: E402


def test_a_gram_matrix_is_the_mean_of_products():
    maps = torch.tensor([[[[1.0, 2.0]], [[3.0, -1.0]]]])
    assert gram(maps).tolist() == [[2.5, 0.5], [0.5, 5.0]]
    assert torch.allclose(gram(maps), gram(maps.flip(3)))  # places do not matter


def test_style_comes_nearer_while_content_stays():
    net = network(*chain(channels=3), 3)
    content, style = 0.5 * noise(24, 28, 3), np.tile(noise(2, 2, 3, seed=5), (10, 16, 1))
    found = transfer(net, content, style, steps=30)
    assert found.picture.shape == content.shape and 0 <= found.picture.min() <= found.picture.max() <= 1
    assert found.style_error[1] < 0.3 * found.style_error[0]
    assert found.content_error[0] == 0 < found.content_error[1] < 1
    weak = transfer(net, content, style, strength=0.1, steps=30)
    assert weak.content_error[1] < found.content_error[1] and weak.style_error[1] > found.style_error[1]


def test_a_picture_in_its_own_style_stays_as_it_is():
    picture = noise(20, 20, 3)
    found = transfer(network(*chain(channels=3), 3), picture, picture, steps=3)
    assert np.abs(found.picture - picture).max() < 1e-3 and max(found.style_error) < 1e-6


def test_layers_are_chosen_at_each_resolution():
    nodes, before = [], "input"
    for level in range(3):
        for i in range(2):
            nodes += [Node(f"c{level}{i}", "conv", (before,)), Node(f"r{level}{i}", "relu", (f"c{level}{i}",))]
            before = f"r{level}{i}"
        nodes.append(Node(f"p{level}", "max_pool", (before,), {"kernel": 2}))
        before = f"p{level}"
    weights = {f"{n.name}.weight": np.ones((1, 1, 3, 3)) for n in nodes if n.operation == "conv"}
    assert layers_for(network(nodes, weights)) == ("r11", ("r00", "r10", "r20"))
    assert layers_for(network(*chain(depth=7)))[0] == "relu3"
