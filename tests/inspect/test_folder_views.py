"""A folder's views: which layers and pictures are chosen, and that the page shows them."""

import numpy as np
import pytest

from pellucid.graph import Node
from pellucid.inspect.folder_views import last_hidden, local_layer, look_at_folder
from pellucid.inspect.inspection import inspect
from pellucid.picture import Picture, from_float, write
from tests.inspect.nets import chain, network, noise


@pytest.fixture
def paths(tmp_path):
    found = [tmp_path / f"{i}.png" for i in range(8)]
    for i, path in enumerate(found):
        write(path, Picture(from_float(noise(40, 36, 3, seed=i), np.uint8)))
    return found


def dense():
    nodes, weights = chain(depth=2)
    nodes[-1:] = [
        Node("flat", "flatten", ("relu1",)),
        Node("dense", "linear", ("flat",)),
        Node("r", "relu", ("dense",)),
    ]
    nodes.append(Node("out", "linear", ("r",)))
    del weights["last.weight"]
    return network(nodes, weights | {"dense.weight": np.ones((4, 600)), "out.weight": np.ones((2, 4))}, size=(10, 10))


def test_regions_are_of_the_last_local_layer_and_sorting_of_the_last_hidden_one():
    net = dense()
    assert (local_layer(net, None), last_hidden(net), local_layer(net, "conv0")) == ("relu1", "r", "conv0")


def test_all_pictures_are_seen_and_shown(paths):
    pytest.importorskip("matplotlib")
    from pellucid.inspect.page import page
    from tests.inspect.page.test_page import read

    net = network(*chain(channels=3), 3)
    found = look_at_folder(net, paths)
    assert found.embedding.names == tuple(path.name for path in paths) and found.statistics.pictures == 8
    assert found.regions and all(unit.regions[0].pixels.shape[2] == 3 for unit in found.regions)
    text = page(inspect(net, noise(), budget=0), None, found)
    reader = read(text)
    assert reader.figures == reader.captions and text.count("<image ") >= 2 * 8
    assert f"{found.embedding.lost:.2f}" in text and f"Unit {found.regions[0].unit}, strongest first" in text


def test_a_short_time_shows_fewer_pictures_and_says_so(paths):
    found = look_at_folder(network(*chain()), paths, seconds=0)
    assert len(found.thumbnails) == 3 and "3 of 8" in found.left_out["some pictures"]
