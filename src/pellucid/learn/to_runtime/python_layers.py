"""Layers that torch computes from several operations, and the engine has as one: softsign, local response norm.

torch.export names the function that each operation comes from; a group of them becomes one node, at its last one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import fx

from pellucid.graph import Attribute
from pellucid.learn.to_runtime.building import Builder, Value


@dataclass(frozen=True)
class Group:
    """The operations of one call, in order."""

    kind: str
    nodes: tuple[fx.Node, ...]


def group_of(graph: fx.Graph) -> dict[fx.Node, Group]:
    """Which group each fx node belongs to, if any."""
    members: dict[tuple[str, str], list[fx.Node]] = {}
    for node in graph.nodes:
        name, function = node.meta.get("torch_fn") or ("", "")
        kind = function.rpartition(".")[2]
        if node.op == "call_function" and kind in GROUPS:
            members.setdefault((name, kind), []).append(node)
    groups = (Group(kind, tuple(nodes)) for (_, kind), nodes in members.items())
    return {node: group for group in groups for node in group.nodes}


def _softsign(b: Builder, group: Group, node: fx.Node, known: dict[fx.Node, Any]) -> Value | None:
    return b.emit("softsign", [_input(b, group, known)]) if node is group.nodes[-1] else None


def _local_response_norm(b: Builder, group: Group, node: fx.Node, known: dict[fx.Node, Any]) -> Value | None:
    """x / (k + alpha mean(x^2 over size channels)) ^ beta, its parameters read from the operations."""
    if node is not group.nodes[-1]:
        return None
    attributes: dict[str, Attribute] = {}
    for member in group.nodes:
        operation = str(member.target).removeprefix("aten.").partition(".")[0]
        if operation in ("avg_pool2d", "avg_pool3d"):
            attributes["size"] = member.args[1][0]  # type: ignore[index, assignment]
        elif operation in ("mul", "add", "pow") and isinstance(member.args[1], (int, float)):
            attributes[{"mul": "alpha", "add": "k", "pow": "beta"}[operation]] = float(member.args[1])
    return b.emit("local_response_norm", [_input(b, group, known)], attributes=attributes, main=True)


def _input(b: Builder, group: Group, known: dict[fx.Node, Any]) -> Value:
    return b.value(known[group.nodes[0].all_input_nodes[0]])


GROUPS: dict[str, Callable[[Builder, Group, fx.Node, dict[fx.Node, Any]], Value | None]] = {
    "softsign": _softsign,
    "local_response_norm": _local_response_norm,
}
