"""The strongest regions: planted spots are found, cut at the receptive field, one of each picture."""

import numpy as np

from pellucid.graph import Node
from pellucid.inspect.strongest_regions import strongest_regions
from tests.inspect.nets import network


def spots():
    """Unit 0 answers to a bright pixel among dark ones, unit 1 to nothing, unit 2 to a lasting edge."""
    weight = np.zeros((3, 1, 3, 3))
    weight[0, 0] = [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]
    weight[2, 0] = [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]]
    nodes = [Node("conv", "conv", attributes={"padding": 1}), Node("relu", "relu", ("conv",))]
    return network(nodes, {"conv.weight": weight})


def with_spot(y, x, strength):
    picture = np.zeros((16, 20, 1), np.float32)
    picture[y, x] = strength
    return picture


def test_planted_spots_are_found_in_order_and_cut_at_the_field():
    pictures = [("faint", with_spot(3, 4, 0.2)), ("strong", with_spot(9, 13, 0.9)), ("corner", with_spot(0, 0, 0.5))]
    found = strongest_regions(spots(), "relu", pictures, units=3, each=2)
    assert [unit.unit for unit in found] == [0, 2]  # the silent unit is left out
    first, second = found[0].regions
    assert (first.picture, first.place) == ("strong", (9, 13)) and np.isclose(first.value, 7.2)
    assert first.pixels.shape == (3, 3, 1) and np.isclose(first.pixels[1, 1, 0], 0.9)
    assert second.picture == "corner" and second.pixels.shape == (2, 2, 1)  # cut where the picture ends


def test_gradients_are_asked_for_on_a_part_that_holds_the_field():
    asked = []

    def back(x, unit, place):
        asked.append((x.shape, unit, place))
        return x[0] * 2

    (unit,) = strongest_regions(spots(), "relu", [("one", with_spot(5, 6, 1.0))], 1, 1, back)
    assert asked == [((1, 3, 3, 1), 0, (1, 1))]
    assert np.array_equal(unit.regions[0].guided, 2 * unit.regions[0].pixels)


def test_the_part_gives_the_same_gradients_as_the_whole_picture():
    torch = __import__("pytest").importorskip("torch")
    from pellucid.learn.inspect.as_module import as_module
    from pellucid.learn.inspect.guided import back_from, guided_gradients

    random = np.random.default_rng(0)
    nodes = [
        Node("a", "conv", attributes={"padding": 1}),
        Node("b", "relu", ("a",)),
        Node("c", "max_pool", ("b",), {"kernel": 2}),
        Node("d", "conv", ("c",), {"padding": 1, "stride": 2}),
        Node("e", "relu", ("d",)),
    ]
    net = network(nodes, {"a.weight": random.normal(size=(4, 1, 3, 3)), "d.weight": random.normal(size=(5, 4, 3, 3))})
    picture = random.random((40, 44, 1)).astype(np.float32)
    (unit,) = strongest_regions(net, "e", [("one", picture)], 1, 1, back_from(net, "e"))
    region = unit.regions[0]
    x = torch.from_numpy(picture.transpose(2, 0, 1)[None].copy())
    whole = guided_gradients(as_module(net), x, "e", unit.unit, [region.place])[0, 0]
    rows, columns = np.nonzero(whole)
    assert rows.size and np.isclose(np.abs(region.guided).sum(), np.abs(whole).sum(), rtol=1e-5)
    inner = whole[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert np.isclose(region.guided, inner.reshape(-1)[0], rtol=1e-4).any()
