"""What the translation builds on: values with their axes, drafts of nodes, names, constants, refusals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, NoReturn

import numpy as np
import torch

from pellucid.errors import GraphError
from pellucid.graph import INPUT, Attribute

Axes = Literal["nchw", "nhwc", "nc"]


@dataclass(frozen=True)
class Value:
    """A map: which node makes it, and how torch sees it. The engine sees (h, w, c) always, "nc" as h = w = 1."""

    node: str
    shape: tuple[int, ...]  # torch's, for the example
    axes: Axes = "nchw"

    @property
    def channel_axis(self) -> int:
        return 3 if self.axes == "nhwc" else 1

    @property
    def channels(self) -> int:
        return self.shape[self.channel_axis]


class Pending:
    """What no node makes as it stands, see `pending`; `why` is the complaint of rules that cannot take it."""

    why: ClassVar[str]


@dataclass
class Draft:
    """A node that folding may still change."""

    name: str
    operation: str
    inputs: list[str]
    attributes: dict[str, Attribute] = field(default_factory=dict)
    weights: dict[str, np.ndarray] = field(default_factory=dict)
    owner: str | None = None  # the module whose parameters these are: called twice, they are stored once


@dataclass(frozen=True)
class Place:
    """Where the translation stands: the ATen operation, the module it was called in, the source line."""

    operation: str
    module: str
    alone: bool  # the module does nothing else: its name is the node's
    source: str


def size_for_example(size: int | torch.SymInt) -> int:
    """A size, which may be a symbol, as it is for the example."""
    return size if isinstance(size, int) else int(size.node.hint)


class Builder:
    """Collects drafts. Rules call `emit` for each node and `refuse` for what cannot be."""

    def __init__(self) -> None:
        self.drafts: dict[str, Draft] = {}
        self.channels = 0
        self.example: tuple[int, int] = (0, 0)
        self.size: tuple[int, int] | None = None  # the example's, once something fixes it
        self.maps: dict[tuple[int, ...], Value] = {}  # by height and width, for the example: the latest of that size
        self.from_fixed = False  # whether the operand being translated has one size for all pictures
        self.free = True  # whether the size of the result being translated depends on the picture's
        self.place = Place("", "", False, "")
        self.shape: tuple[int, ...] = ()  # of the result of the operation being translated

    def emit(
        self,
        operation: str,
        inputs: Sequence[Value],
        *,
        shape: Sequence[int] | None = None,
        axes: Axes | None = None,
        weights: Mapping[str, torch.Tensor | None] | None = None,
        attributes: Mapping[str, Attribute] | None = None,
        main: bool = False,
    ) -> Value:
        """Adds a node. `main` marks the one that carries its module's name even if the module does more."""
        arrays = {role: self.array(tensor) for role, tensor in (weights or {}).items() if tensor is not None}
        place = self.place
        draft = Draft(
            self._name(operation, main),
            operation,
            [value.node for value in inputs],
            dict(attributes or {}),
            arrays,
            owner=f"{place.module}:{operation}" if main else None,
        )
        self.drafts[draft.name] = draft
        value = Value(draft.name, tuple(self.shape if shape is None else shape), axes or inputs[0].axes)
        if value.axes == "nchw":
            self.maps[value.shape[2:]] = value
        return value

    def array(self, tensor: object) -> np.ndarray:
        """A constant as float32."""
        if not isinstance(tensor, torch.Tensor):
            self.refuse("its weights depend on the input")
        return np.ascontiguousarray(tensor.detach().to(torch.float32).numpy())

    def refuse(self, why: str, expected: str | None = None) -> NoReturn:
        what = f"{self.place.operation} cannot be exported: {why}"
        named = self.place.module and not self.place.source.startswith(f"{self.place.module}: ")
        layer = f"layer {self.place.module!r}, " if named else ""
        raise GraphError(what, seen=f"{layer}{self.place.source}", expected=expected)

    def map(self, value: object) -> Value:
        """An operand that must be a map (n, c, h, w)."""
        value = self.value(value)
        if value.axes != "nchw":
            self.refuse("it does not act on (n, c, h, w)")
        return value

    def value(self, value: object) -> Value:
        """An operand that must depend on the input."""
        if isinstance(value, Pending):
            self.refuse(value.why)
        if not isinstance(value, Value):
            self.refuse("it does not act on the network's input")
        return value

    def _name(self, operation: str, main: bool) -> str:
        """The module's path, and the operation's name where the module does several things."""
        module = self.place.module
        name = module if module and (main or self.place.alone) else ".".join(filter(None, (module, operation)))
        unique, count = name, 1
        while unique in self.drafts or unique == INPUT:
            count += 1
            unique = f"{name}#{count}"
        return unique
