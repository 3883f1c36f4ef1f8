"""Translations of arithmetic: maps with maps, maps with constants as scale and offset, reductions."""

from __future__ import annotations

from typing import Any

import torch

from pellucid.learn.to_runtime.building import Builder, Pending, Value
from pellucid.learn.to_runtime.pending import Grouped, Weighed, as_number, summed, weighed
from pellucid.learn.to_runtime.rules import rule


@rule("aten.add")
def add(b: Builder, a: dict[str, Any]) -> Value:
    left, right = as_number(a["self"]), as_number(a["other"])
    if isinstance(left, Value) and isinstance(right, Value):
        return b.emit("add", _ordered(b, left, scaled(b, right, a.get("alpha", 1))))
    if isinstance(right, Value):
        return affine(b, right, a.get("alpha", 1), left)
    return affine(b, b.value(left), 1, _times(right, a.get("alpha", 1)))


@rule("aten.sub")
def subtract(b: Builder, a: dict[str, Any]) -> Value:
    return _difference(b, a["self"], a["other"], a.get("alpha", 1))


@rule("aten.rsub")
def subtract_from(b: Builder, a: dict[str, Any]) -> Value:
    if a.get("alpha", 1) != 1:
        b.refuse("it has a factor alpha")
    return _difference(b, a["other"], a["self"], 1)


def _difference(b: Builder, left: Any, right: Any, alpha: float) -> Value:
    if isinstance(left, Value) and isinstance(right, Value):
        _ordered(b, left, right)
        return b.emit("subtract", [left, scaled(b, right, alpha)])
    if isinstance(right, Value):
        return affine(b, right, -alpha, left)
    return affine(b, b.value(left), 1, _times(right, -alpha))


@rule("aten.mul")
def multiply(b: Builder, a: dict[str, Any]) -> Value | Pending:
    left, right = as_number(a["self"]), as_number(a["other"])
    if (product := weighed(b, left, right)) is not None:
        return product
    if isinstance(left, Value) and isinstance(right, Value):
        return b.emit("multiply", _ordered(b, left, right))
    return affine(b, left, right, 0) if isinstance(left, Value) else affine(b, right, left, 0)


@rule("aten.div")
def divide(b: Builder, a: dict[str, Any]) -> Value:
    if isinstance(a["other"], (Value, Pending)) or a.get("rounding_mode") is not None:
        b.refuse("it divides by a map, or rounds", "a constant divisor")
    return affine(b, b.value(a["self"]), 1 / a["other"], 0)


@rule("aten.neg")
def negative(b: Builder, a: dict[str, Any]) -> Value:
    return affine(b, b.value(a["self"]), -1, 0)


@rule("aten.zeros_like")
def zeros_like(b: Builder, a: dict[str, Any]) -> Value:
    return affine(b, b.value(a["self"]), 0, 0)


@rule("aten.ones_like")
def ones_like(b: Builder, a: dict[str, Any]) -> Value:
    return affine(b, b.value(a["self"]), 0, 1)


@rule("aten.square")
def square(b: Builder, a: dict[str, Any]) -> Value:
    return b.emit("multiply", [b.value(a["self"])] * 2)


@rule("aten.pow")
def power(b: Builder, a: dict[str, Any]) -> Value:
    if a["exponent"] != 2:
        b.refuse(f"the exponent is {a['exponent']}", "2")
    return b.emit("multiply", [b.value(a["self"])] * 2)


@rule("aten.sin")
def sine(b: Builder, a: dict[str, Any]) -> Value:
    """sin(frequency x): a constant factor before it becomes its frequency."""
    value = b.value(a["self"])
    before = b.drafts.get(value.node)
    if before and before.operation == "affine" and before.attributes.get("offset") == 0.0 and not before.weights:
        value, frequency = Value(before.inputs[0], value.shape, value.axes), before.attributes["scale"]
        return b.emit("sine", [value], attributes={"frequency": frequency})
    return b.emit("sine", [value], attributes={"frequency": 1.0})


@rule("aten.mean")
def mean(b: Builder, a: dict[str, Any]) -> Value:
    return _reduce(b, a, "mean")


@rule("aten.amax")
def largest(b: Builder, a: dict[str, Any]) -> Value:
    return _reduce(b, a, "max")


@rule("aten.max")
def largest_of_axis(b: Builder, a: dict[str, Any]) -> tuple[Value, None]:
    if "dim" not in a:
        b.refuse("it takes the largest of everything, or of two maps", "an axis")
    return _reduce(b, a, "max"), None


@rule("aten.sum")
def total(b: Builder, a: dict[str, Any]) -> Value:
    if isinstance(a["self"], Weighed):
        return summed(b, a["self"], _axes(b, a["self"].windows.shape, a), a["keepdim"])
    if isinstance(a["self"], Grouped):
        mean = _reduce(b, a, "mean")
        return affine(b, mean, a["self"].shape[2], 0)
    value = b.value(a["self"])
    if _axes(b, value.shape, a) != [value.channel_axis]:
        b.refuse("it sums over height and width", "a mean")
    return affine(b, _reduce(b, a, "mean"), value.channels, 0)


def _reduce(b: Builder, a: dict[str, Any], kind: str) -> Value:
    if isinstance(grouped := a["self"], Grouped):
        if _axes(b, grouped.shape, a) != [2] or a["keepdim"]:
            b.refuse("it acts on other axes than those of a group", "axis 2 of (n, groups, channels, h, w)")
        return b.emit(f"channel_{kind}_pool", [grouped.map], attributes={"groups": grouped.groups})
    value = b.value(a["self"])
    over = _axes(b, value.shape, a)
    if over == [value.channel_axis] and a["keepdim"]:
        return b.emit(f"channel_{kind}_pool", [value])
    space = {"nchw": [2, 3], "nhwc": [1, 2]}.get(value.axes)
    if over != space:
        b.refuse(f"it acts on the axes {over}", "height and width, or the channels with keepdim")
    return b.emit(f"global_{kind}_pool", [value], axes=value.axes if a["keepdim"] else "nc")


def _axes(b: Builder, shape: tuple[int, ...], a: dict[str, Any]) -> list[int]:
    over = a.get("dim")
    if over is None or over == []:
        b.refuse("it acts on everything", "height and width")
    return sorted(axis % len(shape) for axis in ([over] if isinstance(over, int) else over))


def scaled(b: Builder, value: Value, factor: float) -> Value:
    return value if factor == 1 else affine(b, value, factor, 0)


def affine(b: Builder, value: Value, scale: Any, offset: Any) -> Value:
    """scale x + offset, each a number or one per channel."""
    attributes: dict[str, float] = {}
    weights: dict[str, torch.Tensor] = {}
    for role, constant in (("scale", scale), ("offset", offset)):
        if isinstance(constant, Pending):
            b.refuse(constant.why)
        if isinstance(constant, torch.Tensor) and constant.numel() > 1:
            weights[role] = _per_channel(b, value, constant)
        elif isinstance(constant, (torch.SymInt, torch.SymFloat)):
            b.refuse("a factor depends on the picture's size")
        else:
            attributes[role] = float(constant)
    return b.emit("affine", [value], shape=value.shape, attributes=dict(attributes), weights=dict(weights))


def _per_channel(b: Builder, value: Value, constant: torch.Tensor) -> torch.Tensor:
    shape = [1] * (len(value.shape) - constant.ndim) + list(constant.shape)
    wanted = [value.channels if axis == value.channel_axis else 1 for axis in range(len(value.shape))]
    if shape != wanted:
        b.refuse(f"a constant of shape {tuple(constant.shape)}", "one number, or one per channel")
    return constant.reshape(-1)


def _times(constant: Any, factor: float) -> Any:
    return constant if factor == 1 else constant * factor


def _ordered(b: Builder, left: Value, right: Value) -> list[Value]:
    """Two maps that may meet: of one shape, or one of them spread over the other."""
    if len(left.shape) != len(right.shape) or (left.axes != right.axes and left.node != right.node):
        b.refuse(f"it combines shapes {left.shape} and {right.shape}", "maps of one shape, (1, c, 1, 1) or one channel")
    return [left, right]
