"""Dreams: the layer answers more strongly, tiles and seeds do what they say."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from pellucid.errors import UsageError  # noqa: E402
from pellucid.graph import Node  # noqa: E402
from pellucid.inspect.as_input import as_input  # noqa: E402
from pellucid.learn.inspect.dreaming import _parts, dream  # noqa: E402
from tests.inspect.nets import chain, network, noise  # noqa: E402


def strength(net, picture, layer):
    _, kept = net.run(as_input(net, picture), "fp32", keep=[layer])
    return float((kept[layer] ** 2).mean())


def test_the_layer_answers_more_strongly_and_the_same_seed_dreams_the_same():
    net, picture = network(*chain(channels=3), 3), 0.3 + 0.4 * noise(70, 50, 3)
    found = dream(net, picture, "relu2", sizes=2, steps=4, tile=40)
    assert found.shape == picture.shape and 0 <= found.min() <= found.max() <= 1
    assert strength(net, found, "relu2") > 1.3 * strength(net, picture, "relu2")
    assert np.array_equal(found, dream(net, picture, "relu2", sizes=2, steps=4, tile=40))


def test_a_unit_that_sees_upright_edges_dreams_upright_edges():
    net = network([Node("edge", "conv", attributes={"padding": 1}), Node("out", "relu", ("edge",))], EDGE)
    picture = 0.4 + 0.2 * noise(48, 48)
    found = dream(net, picture, "edge", unit=0, sizes=1, steps=12)
    across, down = (np.abs(np.diff(found - picture, axis=axis)).mean() for axis in (1, 0))
    assert across > 2 * down


EDGE = {"edge.weight": np.array([[[[-1.0, 0, 1]] * 3]])}


def test_parts_cover_everything_once():
    assert _parts(10, 4) == [(0, 3), (3, 7), (7, 10)] and _parts(4, 4) == [(0, 4)]


def test_what_there_is_not_is_refused():
    net = network(*chain())
    with pytest.raises(UsageError, match="no such unit"):
        dream(net, noise(), "relu0", unit=6)
    with pytest.raises(UsageError, match="unknown layer"):
        dream(net, noise(), "relu9")
