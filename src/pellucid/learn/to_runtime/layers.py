"""Translations of layers: convolutions, dense layers, activations, pooling, normalisation."""

from __future__ import annotations

from typing import Any

import torch

from pellucid.graph import Attribute
from pellucid.learn.to_runtime.arrangement import channels
from pellucid.learn.to_runtime.building import Builder, Pending, Value, size_for_example
from pellucid.learn.to_runtime.pending import Grouped
from pellucid.learn.to_runtime.rules import rule

ACTIVATIONS = {
    "relu": "relu",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "selu": "selu",
    "hardswish": "hardswish",
    "silu": "silu",
    "exp": "exp",
}
"""ATen name -> ours, where there is nothing to set."""


def pair(value: Any) -> tuple[int, int]:
    """ATen's lists of one or two numbers as (y, x)."""
    numbers = [value] if isinstance(value, int) else list(value)
    return (numbers[0], numbers[-1])


def around(value: Any) -> tuple[int, int, int, int]:
    """A symmetric padding as (top, left, bottom, right)."""
    y, x = pair(value)
    return (y, x, y, x)


@rule("aten.conv2d")
def convolution(b: Builder, a: dict[str, Any]) -> Value:
    weight, stride, dilation = b.array(a["weight"]), pair(a["stride"]), pair(a["dilation"])
    padding = a["padding"]
    if padding == "same":
        extra = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
        sides = (extra[0] // 2, extra[1] // 2, extra[0] - extra[0] // 2, extra[1] - extra[1] // 2)
    else:
        sides = (0, 0, 0, 0) if padding == "valid" else around(padding)
    attributes: dict[str, Attribute] = {"stride": stride, "dilation": dilation, "groups": a["groups"], "padding": sides}
    return b.emit("conv", [b.map(a["input"])], weights=_affine(a), attributes=attributes, main=True)


@rule("aten.conv_transpose2d")
def transposed_convolution(b: Builder, a: dict[str, Any]) -> Value:
    attributes: dict[str, Attribute] = {
        "stride": pair(a["stride"]),
        "dilation": pair(a["dilation"]),
        "groups": a["groups"],
        "padding": around(a["padding"]),
        "output_padding": pair(a["output_padding"]),
    }
    return b.emit("conv_transpose", [b.map(a["input"])], weights=_affine(a), attributes=attributes, main=True)


@rule("aten.linear")
def linear(b: Builder, a: dict[str, Any]) -> Value:
    value = b.value(a["input"])
    if value.axes == "nchw":
        b.refuse("it acts on the columns of a map", "a flattened map, or channels last")
    return b.emit("linear", [value], weights=_affine(a), main=True)


def _affine(a: dict[str, Any]) -> dict[str, torch.Tensor | None]:
    return {"weight": a["weight"], "bias": a["bias"]}


def _register_activation(aten: str, ours: str) -> None:
    @rule(f"aten.{aten}")
    def activation(b: Builder, a: dict[str, Any]) -> Value:
        return b.emit(ours, [b.value(a.get("self", a.get("input")))])


for _aten, _ours in ACTIVATIONS.items():
    _register_activation(_aten, _ours)


@rule("aten.leaky_relu")
def leaky_relu(b: Builder, a: dict[str, Any]) -> Value:
    return b.emit("leaky_relu", [b.value(a["self"])], attributes={"slope": float(a["negative_slope"])})


@rule("aten.abs")
def absolute(b: Builder, a: dict[str, Any]) -> Value:
    return b.emit("leaky_relu", [b.value(a["self"])], attributes={"slope": -1.0})


@rule("aten.prelu")
def prelu(b: Builder, a: dict[str, Any]) -> Value:
    return b.emit("prelu", [b.value(a["self"])], weights={"weight": a["weight"]}, main=True)


@rule("aten.gelu")
def gelu(b: Builder, a: dict[str, Any]) -> Value:
    return b.emit("gelu", [b.value(a["self"])], attributes={"approximate": a["approximate"]})


@rule("aten.softplus")
def softplus(b: Builder, a: dict[str, Any]) -> Value:
    if a["beta"] != 1:
        b.refuse(f"beta is {a['beta']}", "1")
    return b.emit("softplus", [b.value(a["self"])])


@rule("aten.clamp", "aten.clamp_min", "aten.clamp_max", "aten.hardtanh", "aten.relu6")
def clip(b: Builder, a: dict[str, Any]) -> Value:
    largest = float(torch.finfo(torch.float32).max)
    low, high = a.get("min", a.get("min_val")), a.get("max", a.get("max_val"))
    if not all(bound is None or isinstance(bound, (int, float)) for bound in (low, high)):
        b.refuse("its bounds are tensors", "numbers")
    limits = {"low": -largest if low is None else float(low), "high": largest if high is None else float(high)}
    return b.emit("clip", [b.value(a["self"])], attributes=dict(limits))


@rule("aten.hardsigmoid")
def hardsigmoid(b: Builder, a: dict[str, Any]) -> Value:
    line = b.emit("affine", [b.value(a["self"])], attributes={"scale": 1 / 6, "offset": 0.5})
    return b.emit("clip", [line], attributes={"low": 0.0, "high": 1.0})


@rule("aten.softmax")
def softmax(b: Builder, a: dict[str, Any]) -> Value | Pending:
    if isinstance(a["self"], Grouped):
        return _softmax_of_groups(b, a["self"], a["dim"])
    value = b.value(a["self"])
    if a["dim"] % len(value.shape) != value.channel_axis:
        b.refuse(f"it acts on axis {a['dim']}", "the channels")
    return b.emit("softmax", [value])


def _softmax_of_groups(b: Builder, grouped: Grouped, axis: int) -> Grouped:
    if axis % 5 != 2:
        b.refuse(f"it acts on axis {axis} of groups of channels", "axis 2")
    k, shape = grouped.shape[2], grouped.map.shape
    parts = [channels(b, grouped.map, g * k, (g + 1) * k) for g in range(grouped.groups)]
    done = [b.emit("softmax", [part], shape=part.shape) for part in parts]
    return Grouped(b.emit("concat", done, shape=shape) if len(done) > 1 else done[0], grouped.groups)


@rule("aten.max_pool2d", "aten.max_pool2d_with_indices")
def max_pool(b: Builder, a: dict[str, Any]) -> Value | tuple[Value, Value]:
    value, kernel = b.map(a["self"]), pair(a["kernel_size"])
    stride, padding, dilation = pair(a["stride"] or kernel), pair(a["padding"]), pair(a["dilation"])
    attributes: dict[str, Attribute] = {"kernel": kernel, "stride": stride}
    more: dict[str, Attribute] = {"padding": padding, "dilation": dilation, "ceil_mode": bool(a["ceil_mode"])}
    pooled = b.emit("max_pool", [value], attributes=attributes | more)
    if not b.place.operation.endswith("indices"):
        return pooled
    if padding != (0, 0) or dilation != (1, 1) or a["ceil_mode"]:
        return pooled, pooled  # the positions cannot be used, see max_unpool
    return pooled, b.emit("max_pool_positions", [value], attributes=attributes)


@rule("aten.max_unpool2d")
def max_unpool(b: Builder, a: dict[str, Any]) -> Value:
    positions = b.drafts.get(b.map(a["indices"]).node)
    if positions is None or positions.operation != "max_pool_positions":
        b.refuse("its positions come from elsewhere", "those of a max_pool2d without padding")
    attributes = {key: positions.attributes[key] for key in ("kernel", "stride")}
    return b.emit("max_unpool", [b.map(a["self"]), b.map(a["indices"])], attributes=attributes)


@rule("aten.avg_pool2d")
def mean_pool(b: Builder, a: dict[str, Any]) -> Value:
    if a["divisor_override"] is not None:
        b.refuse("it has a divisor of its own")
    kernel = pair(a["kernel_size"])
    attributes: dict[str, Attribute] = {
        "kernel": kernel,
        "stride": pair(a["stride"] or kernel),
        "padding": pair(a["padding"]),
        "ceil_mode": bool(a["ceil_mode"]),
        "count_include_pad": bool(a["count_include_pad"]),
    }
    return b.emit("mean_pool", [b.map(a["self"])], attributes=attributes)


@rule("aten.adaptive_avg_pool2d")
def adaptive_mean_pool(b: Builder, a: dict[str, Any]) -> Value:
    return _adaptive(b, a, "mean")


@rule("aten.adaptive_max_pool2d")
def adaptive_max_pool(b: Builder, a: dict[str, Any]) -> tuple[Value, None]:
    return _adaptive(b, a, "max"), None


def _adaptive(b: Builder, a: dict[str, Any], kind: str) -> Value:
    value, size = b.map(a["self"]), pair(a["output_size"])
    if not all(isinstance(side, int) for side in size):
        b.refuse("its size depends on the picture's")
    if size == (1, 1):
        return b.emit(f"global_{kind}_pool", [value])
    return b.emit(f"adaptive_{kind}_pool", [value], attributes={"size": size})


@rule("aten.batch_norm")
def batch_norm(b: Builder, a: dict[str, Any]) -> Value:
    if a["training"] or a["running_mean"] is None:
        b.refuse("it has no stored statistics", "track_running_stats and evaluation mode")
    weights = _affine(a) | {"mean": a["running_mean"], "variance": a["running_var"]}
    return b.emit("batch_norm", [b.value(a["input"])], weights=weights, attributes={"eps": a["eps"]}, main=True)


@rule("aten.layer_norm")
def layer_norm(b: Builder, a: dict[str, Any]) -> Value:
    value, shape = b.value(a["input"]), tuple(map(size_for_example, a["normalized_shape"]))
    if value.axes == "nchw" and shape == value.shape[1:]:
        if not b.from_fixed and all(isinstance(size, int) for size in a["normalized_shape"]):
            b.size = b.example  # there are weights, or at least a shape, for one size alone
        attributes: dict[str, Attribute] = {"eps": a["eps"], "over": "all"}
        return b.emit("layer_norm", [value], weights=_affine(a), attributes=attributes, main=True)
    if len(shape) != 1 or value.axes == "nchw":
        b.refuse(
            f"it acts on the last {len(shape)} axes of a map", "the channels of a map with channels last, or all of it"
        )
    return b.emit("layer_norm", [value], weights=_affine(a), attributes={"eps": a["eps"]}, main=True)


@rule("aten.group_norm")
def group_norm(b: Builder, a: dict[str, Any]) -> Value:
    attributes: dict[str, Attribute] = {"groups": a["num_groups"], "eps": a["eps"]}
    return b.emit("group_norm", [b.map(a["input"])], weights=_affine(a), attributes=attributes, main=True)


@rule("aten.instance_norm")
def instance_norm(b: Builder, a: dict[str, Any]) -> Value:
    if not a["use_input_stats"]:
        weights = _affine(a) | {"mean": a["running_mean"], "variance": a["running_var"]}
        return b.emit("batch_norm", [b.map(a["input"])], weights=weights, attributes={"eps": a["eps"]}, main=True)
    return b.emit("instance_norm", [b.map(a["input"])], weights=_affine(a), attributes={"eps": a["eps"]}, main=True)
