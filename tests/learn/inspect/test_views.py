"""All gradient views of a network: each is there, limited by time, and left out with its reason."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from pellucid.graph import Node  # noqa: E402
from pellucid.inspect.inspection import inspect  # noqa: E402
from pellucid.learn.inspect.as_module import as_module  # noqa: E402
from pellucid.learn.inspect.attribution import attribution  # noqa: E402
from pellucid.learn.inspect.views import at_start, look_with_gradients, what_makes  # noqa: E402
from tests.inspect.nets import chain, network, noise  # noqa: E402


def test_a_network_that_answers_with_pictures_has_all_views():
    net = network(*chain(depth=3))
    found = look_with_gradients(net, inspect(net, noise()), 60)
    assert [flow.layer for flow in found.flow] == ["conv0", "conv1", "conv2", "last"] and not found.left_out
    assert found.effective.box == (4, 12, 4, 12)  # nine pixels, of a side of 9 + 8
    assert {pattern.layer for pattern in found.patterns} == {"conv1", "conv2"}
    assert np.isclose(found.attribution.weight.sum(), found.attribution.answer - found.attribution.without, atol=0.02)


def test_gradients_are_followed_along_the_longest_way():
    nodes, weights = chain(depth=3)
    nodes += [Node("around", "conv", attributes={"padding": (1, 1, 1, 1)}), Node("sum", "add", ("last", "around"))]
    weights["around.weight"] = np.ones((1, 1, 3, 3))
    net = network(nodes, weights)
    found = look_with_gradients(net, inspect(net, noise()), 60)
    for flow in (found.flow, found.at_start):
        assert [layer.layer for layer in flow] == ["conv0", "conv1", "conv2", "last"]


def test_views_that_do_not_apply_or_come_too_late_say_why():
    nodes, weights = chain(depth=1)
    nodes += [Node("flat", "flatten", ("relu0",)), Node("dense", "linear", ("flat",))]
    weights["dense.weight"] = np.ones((3, 6 * 12 * 12))
    nodes = [node for node in nodes if node.name != "last"]
    del weights["last.weight"]
    net = network(nodes, weights, size=(12, 12))
    seen = inspect(net, noise())
    found = look_with_gradients(net, seen, 60)
    assert found.flow and set(found.left_out) == {"effective field", "attribution"}
    assert set(look_with_gradients(net, seen, -1).left_out.values()) == {"the budget was spent"}


def test_a_start_is_drawn_as_he_says_whatever_the_weights():
    x = torch.from_numpy(noise().transpose(2, 0, 1)[None].copy())
    first, second = (at_start(as_module(network(*chain(gain=gain)), free=True), x) for gain in (1.0, 1e-3))
    assert first == second and 0.2 < first[1].activation / first[0].activation < 5


@pytest.mark.parametrize("place", [(3, 4), (30, 33)])
def test_attribution_computes_only_what_the_pixel_depends_on_and_finds_the_same(place):
    nodes, weights = chain(depth=3, units=8)
    apart = Node("apart", "pixel_unshuffle", attributes={"factor": 2})
    first = Node("conv0", "conv", ("apart",), {"padding": (1, 1, 1, 1)})
    nodes = [apart, first, *nodes[1:], Node("joined", "pixel_shuffle", ("last",), {"factor": 2})]
    random = np.random.default_rng(4)
    weights["conv0.weight"], weights["last.weight"] = random.normal(size=(8, 4, 3, 3)), random.normal(size=(4, 8, 3, 3))
    net = network(nodes, weights, multiple=2)
    module, x = as_module(net), torch.from_numpy(noise(48, 48).transpose(2, 0, 1)[None].copy())
    sizes = []
    module.register_forward_pre_hook(lambda _, given: sizes.append(tuple(given[0].shape[2:])))
    whole = attribution(module, x, place)
    part = attribution(module, x, place, part=lambda at: what_makes(net, at, (48, 48)))
    np.testing.assert_allclose(part.weight, whole.weight, atol=1e-6)
    assert part.answer == whole.answer and part.without == pytest.approx(whole.without, abs=1e-6)
    assert max(sizes[-1]) <= 22 < 48  # the field is 18 wide, begun and ended at whole steps
