"""Receptive fields: the textbook's numbers, and what perturbing one pixel at a time shows."""

import numpy as np
import pytest

from pellucid import _engine
from pellucid.errors import GraphError
from pellucid.graph import Graph, Node
from pellucid.inspect import receptive_field
from pellucid.inspect.receptive_fields import POINTWISE, RULES, WHOLE
from tests.inspect.nets import network

VGG_16 = "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M"


def sizes(graph):
    return [field.size for field in receptive_field(graph)]


def test_vgg_16():
    nodes, before = [], "input"
    for i, word in enumerate(VGG_16.split()):
        pool = word == "M"
        attributes = {"kernel": 2} if pool else {"kernel": 3, "padding": 1}
        nodes.append(Node(f"features.{i}", "max_pool" if pool else "conv", (before,), attributes))
        before = nodes[-1].name
    expected = [3, 5, 6, 10, 14, 16, 24, 32, 40, 44, 60, 76, 92, 100, 132, 164, 196, 212]
    assert sizes(Graph(tuple(nodes), 3)) == [(n, n) for n in expected]


def test_dilations_one_two_four_see_3_7_15():
    nodes, before = [], "input"
    for d in (1, 2, 4):
        nodes.append(Node(f"d{d}", "conv", (before,), {"kernel": 3, "dilation": d, "padding": d}))
        before = f"d{d}"
    fields = receptive_field(Graph(tuple(nodes), 1))
    assert [f.size for f in fields] == [(3, 3), (7, 7), (15, 15)]
    assert fields[-1].box(20, 30) == (13, 27, 23, 37)


def test_every_operation_of_the_engine_has_its_rule():
    known = POINTWISE | WHOLE | set(RULES)
    assert {operation["name"] for operation in _engine.operations()} <= known
    assert not set(RULES) & (POINTWISE | WHOLE)
    with pytest.raises(GraphError, match="'odd' is not known"):
        receptive_field(Graph((Node("odd", "mystery"),), 1))


def test_a_global_operation_reads_the_whole_picture_and_so_does_all_after_it():
    nodes = (Node("a", "flatten"), Node("b", "relu", ("a",)))
    assert sizes(Graph(nodes, 1)) == [None, None]


CONV = {"kernel": (3, 5), "padding": (1, 2, 1, 2)}
LOCAL = {
    "conv": [("conv", CONV)],
    "strided": [("conv", {"kernel": (3, 5), "stride": 2, "padding": (1, 2, 1, 2)}), ("conv", CONV)],
    "dilated": [("conv", {"kernel": (3, 5), "dilation": (2, 1), "padding": (0, 0, 0, 0)})],
    "transposed": [("conv", CONV), ("conv_transpose", {"kernel": (4, 3), "stride": 2, "padding": (1, 0, 1, 0)})],
    "up": [("conv", CONV), ("resize", {"mode": "nearest", "scale": (2.0, 3.0)}), ("conv", CONV)],
    "bilinear": [("conv", CONV), ("resize", {"mode": "bilinear", "scale": (2.0, 2.0)})],
    "bicubic": [("resize", {"mode": "bicubic", "scale": (3.0, 2.0)}), ("conv", CONV)],
    "cropped": [("conv", CONV), ("crop", {"amounts": (2, 1, 0, 3)}), ("pad", {"amounts": (1, 4, 0, 0)})],
    "unshuffled": [("pixel_unshuffle", {"factor": 2}), ("conv4", CONV), ("pixel_shuffle4", {"factor": 2})],
}


@pytest.mark.parametrize("name", LOCAL)
def test_no_pixel_outside_the_box_matters_and_the_largest_field_is_the_size(name):
    nodes, weights, before = [], {}, "input"
    for i, (operation, attributes) in enumerate(LOCAL[name]):
        c = 4 if operation.endswith("4") else 1
        operation = operation.removesuffix("4")
        attributes = dict(attributes)
        if "conv" in operation:
            weights[f"{i}.weight"] = np.random.default_rng(i).uniform(0.5, 1, (c, c, *attributes.pop("kernel")))
        nodes.append(Node(str(i), operation, (before,), attributes))
        before = str(i)
    net = network(nodes, weights)
    h, w = 20, 24
    x = np.random.default_rng(9).random((1, h, w, 1)).astype(np.float32)
    changed = perturbed(net, x)  # (h', w', h, w): which outputs each pixel changes
    field = receptive_field(net)[-1]
    seen = [0, 0]
    for y, row in enumerate(changed):
        for column, pixels in enumerate(row):
            rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
            if not len(rows):
                continue
            y0, y1, x0, x1 = field.box(y, column)
            assert y0 <= rows[0] and rows[-1] <= y1 and x0 <= columns[0] and columns[-1] <= x1
            seen = [max(seen[0], np.ptp(rows) + 1), max(seen[1], np.ptp(columns) + 1)]
    assert field.size == tuple(seen)


def perturbed(net, x):
    answer = net.run(x, "fp32")[0].sum(axis=-1)
    changed = np.zeros((*answer.shape, *x.shape[1:3]), bool)
    for y, column in np.ndindex(*x.shape[1:3]):
        other = x.copy()
        other[0, y, column] += 1
        changed[:, :, y, column] = np.abs(net.run(other, "fp32")[0].sum(axis=-1) - answer) > 1e-5
    return changed
