"""The walk over an exported program: constants are computed, sizes stay symbols, the rest meets its rules."""

from __future__ import annotations

import operator
import re
from collections import defaultdict
from dataclasses import replace
from typing import Any

import torch
from torch import fx, nn
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind

from pellucid.errors import GraphError
from pellucid.graph import INPUT
from pellucid.learn.to_runtime import arithmetic, arrangement, layers, pending, python_layers  # noqa: F401 (they fill the table)
from pellucid.learn.to_runtime.building import Builder, Pending, Place, Value, size_for_example
from pellucid.learn.to_runtime.python_layers import GROUPS, group_of
from pellucid.learn.to_runtime.rules import RULES
from pellucid.learn.to_runtime.tracing import path_of, source_of


def translate(program: ExportedProgram, module: nn.Module, builder: Builder) -> Value:
    """Fills the builder and returns the output's value."""
    walk = Walk(program, module, builder)
    for node in program.graph.nodes:
        walk.step(node)
    return walk.output


class Walk:
    """The state of one translation: what each fx node stands for."""

    def __init__(self, program: ExportedProgram, module: nn.Module, builder: Builder) -> None:
        self.builder, self.module = builder, module
        self.constants = _constants(program)
        self.known: dict[fx.Node, Any] = {}
        self.kinds = _kinds(program.graph)
        self.groups = group_of(program.graph)
        self.output: Value

    def step(self, node: fx.Node) -> None:
        if node.op == "placeholder":
            self.known[node] = self._input(node)
        elif node.op == "output":
            self.output = self._output(node)
        elif node.op == "call_function":
            self.known[node] = self._call(node)
        else:
            raise GraphError(f"the exported program holds {node.op} {node.target}", expected="calls of operations")

    def _input(self, node: fx.Node) -> Any:
        if node.name in self.constants:
            return self.constants[node.name]
        shape = node.meta["val"].shape
        self.builder.example = (size_for_example(shape[2]), size_for_example(shape[3]))
        if not all(isinstance(size, torch.SymInt) for size in shape[2:]):
            self.builder.size = self.builder.example
        self.builder.channels = size_for_example(shape[1])
        value = Value(INPUT, tuple(map(size_for_example, shape)))
        self.builder.maps[value.shape[2:]] = value
        return value

    def _output(self, node: fx.Node) -> Value:
        (results,) = node.args
        if not isinstance(results, (tuple, list)) or len(results) != 1 or not isinstance(results[0], fx.Node):
            raise GraphError("the module returns several values", seen=results, expected="one tensor")
        value = self.known[results[0]]
        if not isinstance(value, Value):
            raise GraphError("the module's result does not depend on its input")
        if value.axes == "nhwc":
            raise GraphError("the module returns (n, h, w, c)", expected="(n, c, h, w)")
        if value.node != INPUT:
            return value
        self.builder.shape = value.shape
        return self.builder.emit("affine", [value], attributes={"scale": 1.0, "offset": 0.0})

    def _call(self, node: fx.Node) -> Any:
        result = node.meta.get("val")
        if node.target is operator.getitem:
            source: Any = node.args[0]
            index: Any = node.args[1]
            return self.known[source][index]
        if isinstance(result, (int, float, bool, torch.SymInt, torch.SymFloat, torch.SymBool)):
            return result  # sizes and what is reckoned with them
        self._stand_at(node)
        if node in self.groups:
            return GROUPS[self.groups[node].kind](self.builder, self.groups[node], node, self.known)
        arguments = fx.node.map_arg((node.args, node.kwargs), lambda n: self.known[n])
        if not _holds_value(arguments):
            return self._constant(node, arguments)
        rule = RULES.get(_operation(node).removesuffix("_"))
        if rule is None:
            self.builder.refuse(
                "the engine has no such operation",
                "operations of docs/reference/textbook.md, or a module with collapsed()",
            )
        made = rule(self.builder, _bound(node, *arguments))
        if _operation(node).endswith("_"):
            self._overwrite(arguments[0][0], made)
        return made

    def _overwrite(self, before: Any, after: Any) -> None:
        """An operation in place: whoever knew the map before it now sees the map after it."""
        for node, value in self.known.items():
            if isinstance(value, Value) and isinstance(before, Value) and value.node == before.node:
                self.known[node] = replace(value, node=after.node)

    def _constant(self, node: fx.Node, arguments: Any) -> Any:
        if _holds_symbol(arguments):
            self.builder.refuse("a constant depends on the picture's size")
        args, kwargs = arguments
        with torch.no_grad():
            return node.target(*args, **kwargs)  # type: ignore[operator]

    def _stand_at(self, node: fx.Node) -> None:
        path = path_of(node)
        plain = re.sub(r"@\d+", "", path)
        alone = len(self.kinds[path]) == 1 and not any(True for _ in self.module.get_submodule(plain).children())
        self.builder.place = Place(_operation(node), plain, alone and bool(plain), source_of(node))
        value = node.meta.get("val")
        first = value[0] if isinstance(value, (tuple, list)) else value
        shape = first.shape if isinstance(first, torch.Tensor) else ()
        self.builder.shape = tuple(map(size_for_example, shape))
        operands = [n.meta["val"].shape for n in node.all_input_nodes if isinstance(n.meta.get("val"), torch.Tensor)]
        self.builder.from_fixed = all(isinstance(size, int) for size in operands[0]) if operands else False
        self.builder.free = any(isinstance(size, torch.SymInt) for size in shape)


def _constants(program: ExportedProgram) -> dict[str, torch.Tensor]:
    """Parameters, buffers and lifted constants by the names of their placeholders."""
    tensors: dict[str, Any] = {**program.state_dict, **program.constants}
    kinds = (InputKind.PARAMETER, InputKind.BUFFER, InputKind.CONSTANT_TENSOR)
    specs = [spec for spec in program.graph_signature.input_specs if spec.kind in kinds]
    return {spec.arg.name: tensors[spec.target] for spec in specs if spec.target is not None}


def _bound(node: fx.Node, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments by the names of the operation's schema, defaults filled in."""
    declared = node.target._schema.arguments  # type: ignore[union-attr]
    bound = {argument.name: argument.default_value for argument in declared if argument.has_default_value()}
    bound.update(zip((argument.name for argument in declared), args, strict=False))
    return bound | kwargs


def _operation(node: fx.Node) -> str:
    target = node.target
    return str(target.overloadpacket) if isinstance(target, torch._ops.OpOverload) else str(target)


def _kinds(graph: fx.Graph) -> dict[str, set[str]]:
    """The different operations that each module calls itself."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for node in graph.nodes:
        if _makes_tensor(node):
            kinds[path_of(node)].add(_operation(node))
    return kinds


def _makes_tensor(node: fx.Node) -> bool:
    return (
        node.op == "call_function"
        and node.target is not operator.getitem
        and not isinstance(node.meta.get("val"), (type(None), int, float, torch.SymInt, torch.SymFloat, torch.SymBool))
    )


def _holds_value(arguments: Any) -> bool:
    return any(isinstance(leaf, (Value, Pending)) for leaf in _leaves(arguments))


def _holds_symbol(arguments: Any) -> bool:
    return any(isinstance(leaf, torch.SymInt) for leaf in _leaves(arguments))


def _leaves(tree: Any) -> list[Any]:
    if isinstance(tree, dict):
        tree = list(tree.values())
    return [leaf for branch in tree for leaf in _leaves(branch)] if isinstance(tree, (tuple, list)) else [tree]
