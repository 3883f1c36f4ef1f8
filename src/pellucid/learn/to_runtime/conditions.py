"""What torch.export took for granted of the picture's size: each `if` on a shape, in the module or inside torch.

A graph has no branches. torch.export follows the one that the example takes, and remembers the condition under which
it did. Where a condition fails at a size that the file would take, the module is run there: it has to give the numbers
of the branch that was followed, or to refuse a smaller picture, as it may. What `multiple` grants always holds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram
from torch.utils._sympy.numbers import int_oo
from torch.utils._sympy.printers import PythonPrinter

from pellucid.errors import GraphError
from pellucid.learn.to_runtime.checking import check
from pellucid.learn.to_runtime.tracing import INSIDE_TORCH, is_ours
from pellucid.network import Network

Size = tuple[int, int]

LARGE = 1 << 22
"""Pixels. A larger picture is not run: a condition of the module's own that fails only there is refused unseen."""

FAR, FARTHER = 4096, (6000, 8192, 10000, 16384, 30000, 65536)
"""A condition on one side is asked at every side up to here, and at some larger ones."""

NEAR, FACTOR = 64, 1.15
"""A condition on both is asked at the first multiples of each, and from there on at every seventh part more."""


@dataclass(frozen=True)
class Condition:
    """A condition in Python, on h and w; where it was asked, and whether the module itself asked it or torch did."""

    text: str
    source: str
    own: bool


def conditions_of(program: ExportedProgram) -> list[Condition]:
    """Each once, in the order in which they were asked; last the limits of the sides, whoever set them."""
    environment = _environment(program)
    if environment is None:
        return []
    names = {str(symbol): "hw"[source[0].idx - 2] for symbol, source in environment.var_to_sources.items()}
    found = [
        Condition(_text(guard.expr, names), guard.sloc.maybe_user_loc or INSIDE_TORCH, _is_own(guard.sloc))
        for guard in environment.guards
    ]
    for symbol, limits in program.range_constraints.items():
        if str(symbol) in names and limits.upper < int_oo:
            found.append(Condition(f"{names[str(symbol)]} <= {limits.upper}", INSIDE_TORCH, True))
    return list({condition.text: condition for condition in reversed(found)}.values())[::-1]


def check_conditions(
    module: nn.Module, network: Network, example: torch.Tensor, conditions: Iterable[Condition]
) -> None:
    """Raises where a condition fails at a size that the network takes, and the module does something else there."""
    m = network.graph.multiple
    home = (-(-example.shape[2] // m) * m, -(-example.shape[3] // m) * m)
    for condition in conditions if network.graph.size is None else ():
        failing = sorted(_failing(condition, home, m), key=lambda size: math.dist(_logs(size), _logs(home)))
        beyond = [size for size in failing if size[0] >= home[0] and size[1] >= home[1]]
        smaller = [size for size in failing if size[0] < home[0] or size[1] < home[1]]
        for size in beyond[:2] + (smaller[:2] if condition.own else []):
            _check_there(module, network, size, condition, may_refuse=size not in beyond[:2])


def _check_there(module: nn.Module, network: Network, size: Size, condition: Condition, may_refuse: bool) -> None:
    if math.prod(size) > LARGE:
        if condition.own:
            raise _refusal("may compute something else", size, condition)
        return  # torch asks whether numbers fit into 32 bits, and the like
    if _refuses(module, torch.zeros(1, network.graph.channels, *size)):
        if may_refuse:
            return
        raise _refusal("takes no picture", size, condition)
    try:
        check(module, network, [size])
    except GraphError:
        raise _refusal("computes something else", size, condition) from None


def _refusal(does: str, size: Size, condition: Condition) -> GraphError:
    return GraphError(
        f"the module {does} where not {condition.text}",
        seen=f"{size[0]} x {size[1]}, {condition.source}",
        expected="the same operations for pictures of any size",
        hint="leave the condition out, or make a module of each way",
    )


def _refuses(module: nn.Module, x: torch.Tensor) -> bool:
    try:
        with torch.no_grad():
            module(x)
    except Exception:  # whatever a module may raise
        return True
    return False


def _failing(condition: Condition, home: Size, multiple: int) -> Iterator[Size]:
    """The sizes tried at which the condition is not met."""
    code = compile(condition.text, condition.source, "eval")
    known: dict[str, Any] = {"math": math, "torch": torch}
    for h, w in _sizes(condition.text, home, multiple):
        try:
            met = eval(code, known, {"h": h, "w": w})  # torch's own words for what it asked
        except ArithmeticError:
            met = False
        if not met:
            yield h, w


def _sizes(text: str, home: Size, multiple: int) -> Iterable[Size]:
    of = {name: re.search(rf"\b{name}\b", text) is not None for name in "hw"}
    if of["h"] and of["w"]:
        numbers = {int(n) + d for n in re.findall(r"\b\d+\b", text) for d in (-1, 0, 1)}
        around = {side + d for side in home for d in range(-3 * multiple, 3 * multiple + 1)} | numbers
        sides = _multiples((*range(1, NEAR * multiple + 1), *_geometric(NEAR * multiple), *around), multiple)
        return product(sides, sides)
    every = _multiples((*range(1, FAR + 1), *FARTHER), multiple)
    return [(side if of["h"] else home[0], side if of["w"] else home[1]) for side in every]


def _geometric(start: int) -> Iterator[int]:
    side = float(start)
    while side < max(FARTHER):
        yield round(side)
        side *= FACTOR


def _multiples(sides: Iterable[int], multiple: int) -> list[int]:
    """The sides, each made a multiple."""
    return sorted({-(-side // multiple) * multiple for side in sides if 0 < side <= max(FARTHER)})


def _logs(size: Size) -> tuple[float, float]:
    return math.log(size[0]), math.log(size[1])


def _environment(program: ExportedProgram) -> Any:
    """Where torch.export keeps what it asked; none if both sides are numbers."""
    for node in program.graph.nodes:
        value = node.meta.get("val") if node.op == "placeholder" else None
        for side in value.shape if isinstance(value, torch.Tensor) else ():
            if isinstance(side, torch.SymInt):
                return side.node.shape_env
    return None


def _text(condition: Any, names: dict[str, str]) -> str:
    """In h and w, with numbers as people write them."""
    text = re.sub(r"\b[a-z]\w*\b", lambda word: names.get(word[0], word[0]), PythonPrinter().doprint(condition))
    return re.sub(r"\b\d+\.\d+\b", lambda number: repr(float(number[0])), text)


def _is_own(place: Any) -> bool:
    """Whether the line that asked is outside torch."""
    frame = place.framework_loc
    return frame is not None and is_ours(frame if isinstance(frame, str) else frame.filename)
