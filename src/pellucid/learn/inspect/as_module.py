"""A model file's graph as a torch module, for what needs gradients: from a graph back to torch, as it is, no more.

Its modules bear the names of the graph's layers, so what is said of one is said of the other. It is not fast, knows no
training, and computes only what the layers asked for depend on: of a network whose dense head fixes the picture's size,
the layers before the head can be asked about pictures of any size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from pellucid import _engine
from pellucid.errors import GraphError, unknown_name
from pellucid.graph import INPUT, Graph, Node
from pellucid.learn.inspect.torch_operations import OPERATIONS
from pellucid.network import Network

STATISTICS = {"mean", "variance"}
"""Weights that are measured, not learned."""


class Operation(nn.Module):
    """One node. Its weights are parameters under their roles, shared where the graph shares them."""

    def __init__(self, node: Node, attributes: Mapping[str, Any], arrays: Mapping[str, nn.Parameter]) -> None:
        super().__init__()
        self.operation, self.attributes, self.roles = node.operation, attributes, tuple(arrays)
        for role, array in arrays.items():
            self.register_parameter(role, array)

    def forward(self, *inputs: Tensor) -> Tensor:
        arrays = {role: getattr(self, role) for role in self.roles}
        return OPERATIONS[self.operation](list(inputs), self.attributes, arrays)


class AsModule(nn.Module):
    """(n, c, h, w) -> the output's map; `maps` gives those of any layers. Gradients flow to the input, and to the
    weights too where they are `free`."""

    def __init__(self, graph: Graph, weights: Mapping[str, Any], free: bool = False) -> None:
        super().__init__()
        self.graph = graph
        self._operations: dict[str, nn.Module] = {}  # beside torch's own tree, whose names cannot be looked up
        declared = {operation["name"]: operation for operation in _engine.operations()}
        shared: dict[str, nn.Parameter] = {}
        for node in graph.nodes:
            if node.operation not in OPERATIONS:
                raise GraphError(f"layer {node.name!r} has no gradients here", seen=node.operation)
            declaration = declared[node.operation]
            attributes = {name: default for name, _, default in declaration["attributes"]} | dict(node.attributes)
            arrays = {}
            for role in declaration["weights"]:
                name = f"{node.weights_prefix}.{role}"
                if name in weights:
                    if name not in shared:
                        array = torch.tensor(weights[name], dtype=torch.float32)
                        shared[name] = nn.Parameter(array, requires_grad=free and role not in STATISTICS)
                    arrays[role] = shared[name]
            self._add(node.name, _module(node, attributes, arrays))

    def _add(self, name: str, module: nn.Module) -> None:
        """Under its own name, dots being the path to it."""
        self._operations[name] = module
        parent: nn.Module = self
        *path, last = name.split(".")
        for part in path:
            if part not in parent._modules:
                parent.add_module(part, nn.Module())
            parent = getattr(parent, part)
        if last in parent._modules:  # the container of layers that came before takes the operation's place
            for child, inner in parent._modules[last].named_children():  # type: ignore[union-attr]
                module.add_module(child, inner)
            del parent._modules[last]
        parent.add_module(last, module)

    def forward(self, x: Tensor) -> Tensor:
        return self.maps(x, [self.graph.nodes[-1].name])[0]

    def maps(self, x: Tensor, layers: Sequence[str]) -> list[Tensor]:
        """The maps of these layers, (n, c, h, w) each; nothing beyond them is computed."""
        needed = self._ancestors(layers)
        found = {INPUT: x}
        for node in self.graph.nodes:
            if node.name in needed:
                found[node.name] = self._operations[node.name](*(found[name] for name in node.inputs))
        return [found[name] for name in layers]

    def _ancestors(self, layers: Sequence[str]) -> set[str]:
        known = [node.name for node in self.graph.nodes]
        for name in layers:
            if name not in known:
                raise unknown_name("layer", name, known)
        needed = set(layers)
        for node in reversed(self.graph.nodes):
            if node.name in needed:
                needed |= set(node.inputs)
        return needed


def _module(node: Node, attributes: Mapping[str, Any], arrays: Mapping[str, nn.Parameter]) -> nn.Module:
    """Rectifiers are torch's own, so that those who look back through them find them."""
    return nn.ReLU() if node.operation == "relu" else Operation(node, attributes, arrays)


def as_module(net: Network, free: bool = False) -> AsModule:
    """A network that the engine runs, as a module in evaluation mode."""
    return AsModule(net.graph, net.weights, free).eval()  # type: ignore[return-value]
