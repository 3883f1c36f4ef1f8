"""Graphs: what they refuse, and the way through JSON and back."""

import json
import math

import pytest

from pellucid.errors import GraphError
from pellucid.graph import INPUT, Graph, Node

SMALL = Graph(
    nodes=(
        Node("a", "conv", (INPUT,), {"stride": (2, 1), "groups": 1}),
        Node("b", "relu", ("a",)),
        Node("c", "conv", ("b",), {"stride": (2, 1), "groups": 1}, weights="a"),
        Node("d", "pad", ("c",), {"amounts": (0, 1, 0, 1), "mode": "reflect", "value": 0.5}),
    ),
    channels=3,
    multiple=4,
    size=(28, 32),
)


def test_json_and_back_is_the_same_graph() -> None:
    assert Graph.from_json(json.loads(json.dumps(SMALL.to_json()))) == SMALL


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ((), "no nodes"),
        ((Node("a", "relu"), Node("a", "relu")), "same name"),
        ((Node(INPUT, "relu"),), "same name"),
        ((Node("a", "relu", ("b",)), Node("b", "relu", ("a",))), "reads 'b', which no earlier node makes"),
        ((Node("a", "clip", (INPUT,), {"low": math.inf}),), "attribute 'low' of node 'a'"),
        ((Node("a", "clip", (INPUT,), {"low": [1]}),), "attribute 'low'"),
    ],
)
def test_what_no_engine_could_run_is_refused(nodes: tuple[Node, ...], message: str) -> None:
    with pytest.raises(GraphError, match=message):
        Graph(nodes, 3)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"channels": 0, "nodes": []},
        {"channels": True, "nodes": [{"name": "a", "operation": "relu", "inputs": ["input"]}]},
        {"channels": 3, "nodes": [{"name": "a", "operation": "relu"}]},
        {"channels": 3, "nodes": [{"name": 7, "operation": "relu", "inputs": ["input"]}]},
        {"channels": 3, "nodes": [{"name": "a", "operation": "relu", "inputs": ["input"], "attributes": {"x": {}}}]},
        {"channels": 3, "nodes": [{"name": "a", "operation": "relu", "inputs": ["input"]}], "size": [3]},
    ],
)
def test_json_that_is_no_graph_is_refused(value: object) -> None:
    with pytest.raises(GraphError):
        Graph.from_json(value)
