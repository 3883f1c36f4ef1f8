"""Operations and edges as dataclasses: the words that learning, the model file and the engine share.

A `Graph` says which operations a network is made of and how they are wired; it holds no weights and knows no file.
Weights are arrays named `<node's weights>.<role>`, for example `body.3.weight`, `body.3.bias`; a node's `weights` is
its own name unless it shares another node's arrays. Which operations exist, with their attributes, weight roles and
shape rules, is declared once, in `engine/operations/`, and published through the binding: `pellucid.network` asks the
engine to check a graph. This file refuses only what no engine could run: unknown inputs, repeated names, cycles.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pellucid.errors import GraphError

Attribute = bool | int | float | str | tuple[int, ...] | tuple[float, ...]

INPUT = "input"
"""The name by which nodes refer to the network's input. Networks have one input and one output."""


@dataclass(frozen=True)
class Node:
    """One operation: its name (also the module's name in torch and the weights' prefix), what it reads, how it acts."""

    name: str
    operation: str
    inputs: tuple[str, ...] = (INPUT,)
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    weights: str | None = None

    @property
    def weights_prefix(self) -> str:
        return self.name if self.weights is None else self.weights


@dataclass(frozen=True)
class Graph:
    """Nodes in an order in which each comes after its inputs; the last one is the output.

    `channels` is the number of channels of the input. `multiple` is the number that height and width must be a
    multiple of (U-Nets); the runtime reflects the picture up to it and crops the result. `size` fixes (h, w) for
    networks with dense layers, and is None for those that take pictures of any size.
    """

    nodes: tuple[Node, ...]
    channels: int
    multiple: int = 1
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        check(self)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; `from_json` is its inverse."""
        return {
            "channels": self.channels,
            "multiple": self.multiple,
            "size": None if self.size is None else list(self.size),
            "nodes": [_node_to_json(node) for node in self.nodes],
        }

    @staticmethod
    def from_json(value: Any) -> Graph:
        try:
            return Graph(
                nodes=tuple(_node_from_json(node) for node in value["nodes"]),
                channels=_count("channels", value["channels"]),
                multiple=_count("multiple", value.get("multiple", 1)),
                size=None if value.get("size") is None else _size(value["size"]),
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise GraphError("the graph cannot be read", seen=repr(error), expected="nodes and channels") from None


def check(graph: Graph) -> None:
    """Refuses repeated names, inputs that come later or never, values that JSON lacks, graphs without nodes."""
    known = {INPUT}
    if not graph.nodes:
        raise GraphError("the graph has no nodes", expected="at least one operation")
    for node in graph.nodes:
        if node.name in known:
            raise GraphError("two nodes have the same name", seen=node.name)
        for name in node.inputs:
            if name not in known:
                raise GraphError(
                    f"node {node.name!r} reads {name!r}, which no earlier node makes",
                    expected="nodes in an order in which each comes after its inputs",
                )
        for key, value in node.attributes.items():
            _check_attribute(node, key, value)
        known.add(node.name)


def _check_attribute(node: Node, key: str, value: Any) -> None:
    numbers = value if isinstance(value, tuple) else () if isinstance(value, str) else (value,)
    if not all(isinstance(v, int) and abs(v) < 2**31 or isinstance(v, float) and math.isfinite(v) for v in numbers):
        expected = "a finite number, a text or a tuple of numbers"
        raise GraphError(f"attribute {key!r} of node {node.name!r} is wrong", seen=repr(value), expected=expected)


def _node_to_json(node: Node) -> dict[str, Any]:
    value: dict[str, Any] = {"name": node.name, "operation": node.operation, "inputs": list(node.inputs)}
    if node.attributes:
        value["attributes"] = {k: list(v) if isinstance(v, tuple) else v for k, v in sorted(node.attributes.items())}
    if node.weights is not None:
        value["weights"] = node.weights
    return value


def _node_from_json(value: Any) -> Node:
    attributes = {str(k): _attribute(str(k), v) for k, v in value.get("attributes", {}).items()}
    weights = value.get("weights")
    return Node(
        name=_text("name", value["name"]),
        operation=_text("operation", value["operation"]),
        inputs=tuple(_text("input", name) for name in value["inputs"]),
        attributes=attributes,
        weights=None if weights is None else _text("weights", weights),
    )


def _attribute(key: str, value: Any) -> Attribute:
    if isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, list) and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in value):
        return tuple(value)
    raise ValueError(f"attribute {key} is {value!r}, expected a number, a text or a list of numbers")


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} is {value!r}, expected a text")
    return value


def _count(key: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{key} is {value!r}, expected a whole number of at least 1")
    return value


def _size(value: Any) -> tuple[int, int]:
    h, w = value
    return _count("height", h), _count("width", w)
