"""Toy planes: the classes are what they are called, features are what they are, and errors are counted. [B1]"""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from pellucid.learn.experiments.toy_planes import PLANES, Net, Plane, Settings, best, error, features, make  # noqa: E402
from tests.learn.experiments.small import small  # noqa: E402


def test_planes_without_noise_are_told_apart_by_their_own_rules():
    rng = np.random.default_rng(0)
    points, labels = PLANES["xor"](rng, 200)
    assert np.array_equal(labels, points[:, 0] * points[:, 1] > 0)
    points, labels = PLANES["circle"](rng, 200)
    assert np.array_equal(labels, np.hypot(*points.T) < 3)
    points, labels = PLANES["spiral"](rng, 200)
    angle, radius = np.arctan2(points[:, 0], points[:, 1]), np.hypot(*points.T)
    turned = np.cos(angle - 1.75 * 2 * np.pi * radius / 5)
    assert np.array_equal(labels, turned < 0)


def test_half_is_learned_from_and_the_rest_is_measured_on():
    plane = make("circle", Settings(points=100))
    assert len(plane.x) == len(plane.unseen_x) == 50
    assert not (plane.x[:, None] == plane.unseen_x[None]).all(-1).any()


def test_features_by_hand():
    x = torch.tensor([[2.0, 3.0]])
    assert torch.allclose(features(x), torch.tensor([[2, 3, 4 / 6, 9 / 6, 1, np.sin(2), np.sin(3)]]).float())


def test_errors_are_those_of_unseen_points():
    net = Net()
    with torch.no_grad():
        net.layers[0].weight.copy_(torch.tensor([[1.0, 0.0]]))
        net.layers[0].bias.zero_()
    x = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [2.0, 5.0], [-3.0, 1.0]])
    plane = Plane(x, torch.zeros(4), x, torch.tensor([1.0, 0.0, 1.0, 1.0]))
    assert error(net, plane) == 0.25


def test_one_layer_cannot_do_xor_and_one_with_products_can():
    settings = Settings(points=200, steps=300, tries=1)
    plane = make("xor", settings)
    assert error(best(Net, plane, settings), plane) > 0.2
    assert error(best(lambda: Net(by_hand=True), plane, settings), plane) < 0.05


def test_the_film_is_a_gif():
    assert small("toy-planes").film.startswith(b"GIF89a")
