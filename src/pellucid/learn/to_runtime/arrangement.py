"""Translations of what moves numbers about: concatenation, slices, views, padding, pixel shuffles, resizing."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import torch

from pellucid.graph import Attribute
from pellucid.learn.to_runtime.building import Builder, Pending, Value, size_for_example
from pellucid.learn.to_runtime.pending import as_number, regrouped
from pellucid.learn.to_runtime.rules import rule

END = 2**31
"""Slices that end beyond this end where the map ends."""


@rule(
    *("aten." + name for name in ("alias", "clone", "contiguous", "detach", "dropout", "feature_dropout")),
    *("aten." + name for name in ("lift_fresh_copy", "alpha_dropout", "native_dropout", "expand", "expand_as")),
)
def unchanged(b: Builder, a: dict[str, Any]) -> Value:
    """Nothing happens to the numbers; what is expanded is spread by its reader."""
    return b.value(a.get("self", a.get("input")))


@rule("aten._to_copy", "aten.to", "aten.type_as")
def converted(b: Builder, a: dict[str, Any]) -> Value:
    if a.get("dtype") not in (None, torch.float32):
        b.refuse(f"it converts to {a['dtype']}", "float32 throughout")
    return b.value(as_number(a["self"]))


@rule("aten._assert_tensor_metadata")
def type_known(b: Builder, a: dict[str, Any]) -> None:
    """torch.export writes down before each conversion which type it comes from."""


@rule("aten.cat", "aten.concat")
def concatenate(b: Builder, a: dict[str, Any]) -> Value:
    values = [b.value(tensor) for tensor in a["tensors"]]
    axes = {value.axes for value in values}
    if len(axes) > 1 or a["dim"] % len(values[0].shape) != values[0].channel_axis:
        b.refuse(f"it joins along axis {a['dim']}", "the channels")
    return b.emit("concat", values) if len(values) > 1 else values[0]


@rule("aten.chunk")
def chunk(b: Builder, a: dict[str, Any]) -> tuple[Value, ...]:
    value = b.value(a["self"])
    return _parts(b, a, _equal(value.channels, -(-value.channels // a["chunks"])))


@rule("aten.split", "aten.split_with_sizes")
def split(b: Builder, a: dict[str, Any]) -> tuple[Value, ...]:
    sizes: Any = a.get("split_sizes", a.get("split_size"))
    return _parts(b, a, _equal(b.value(a["self"]).channels, sizes) if isinstance(sizes, int) else sizes)


@rule("aten.tensor_split")
def tensor_split(b: Builder, a: dict[str, Any]) -> tuple[Value, ...]:
    channels, count = b.value(a["self"]).channels, a.get("sections")
    if not isinstance(count, int):
        b.refuse("it splits at given places", "split")
    return _parts(b, a, [channels // count + (i < channels % count) for i in range(count)])


def _equal(channels: int, size: int) -> list[int]:
    return [min(size, channels - start) for start in range(0, channels, size)]


def _parts(b: Builder, a: dict[str, Any], sizes: list[int]) -> tuple[Value, ...]:
    value = b.value(a["self"])
    if a["dim"] % len(value.shape) != value.channel_axis:
        b.refuse(f"it splits along axis {a['dim']}", "the channels")
    stops = list(accumulate(sizes))
    return tuple(channels(b, value, stop - size, stop) for size, stop in zip(sizes, stops, strict=True))


def channels(b: Builder, value: Value, start: int, stop: int) -> Value:
    """The channels from start up to stop."""
    if (start, stop) == (0, value.channels):
        return value
    shape = [stop - start if axis == value.channel_axis else size for axis, size in enumerate(value.shape)]
    return b.emit("slice_channels", [value], shape=shape, attributes={"start": start, "stop": stop})


def gathered(b: Builder, value: Value, order: list[int]) -> Value:
    """The channels in any order, repeats allowed: slices of neighbours, joined."""
    parts, start = [], 0
    for place in range(1, len(order) + 1):
        if place == len(order) or order[place] != order[place - 1] + 1:
            parts.append(channels(b, value, order[start], order[place - 1] + 1))
            start = place
    return b.emit("concat", parts) if len(parts) > 1 else parts[0]


@rule("aten.index")
def index(b: Builder, a: dict[str, Any]) -> Value:
    value, places = b.value(a["self"]), a["indices"]
    used = [axis for axis, place in enumerate(places) if place is not None]
    if used != [value.channel_axis] or not isinstance(places[used[0]], torch.Tensor):
        b.refuse("it picks from other axes", "the channels")
    return gathered(b, value, [int(i) % value.channels for i in places[used[0]]])


@rule("aten.index_select")
def index_select(b: Builder, a: dict[str, Any]) -> Value:
    value = _along_channels(b, a)
    return gathered(b, value, [int(i) for i in a["index"]])


@rule("aten.flip")
def flip(b: Builder, a: dict[str, Any]) -> Value:
    value = b.value(a["self"])
    if [axis % len(value.shape) for axis in a["dims"]] != [value.channel_axis]:
        b.refuse(f"it mirrors the axes {a['dims']}", "the channels")
    return gathered(b, value, list(range(value.channels))[::-1])


@rule("aten.repeat")
def repeat(b: Builder, a: dict[str, Any]) -> Value:
    value = b.value(a["self"])
    wanted = [times if axis == value.channel_axis else 1 for axis, times in enumerate(a["repeats"])]
    if list(a["repeats"]) != wanted:
        b.refuse(f"it repeats by {a['repeats']}", "the channels alone")
    return b.emit("concat", [value] * wanted[value.channel_axis]) if wanted[value.channel_axis] > 1 else value


@rule("aten.repeat_interleave")
def repeat_interleave(b: Builder, a: dict[str, Any]) -> Value:
    value, times = _along_channels(b, a), a["repeats"]
    if not isinstance(times, int):
        b.refuse("it repeats each channel otherwise", "a number")
    return gathered(b, value, [c for c in range(value.channels) for _ in range(times)])


def _along_channels(b: Builder, a: dict[str, Any]) -> Value:
    value = b.value(a["self"])
    if a["dim"] is None or a["dim"] % len(value.shape) != value.channel_axis:
        b.refuse(f"it acts on axis {a['dim']}", "the channels")
    return value


@rule("aten.slice")
def slices(b: Builder, a: dict[str, Any]) -> Value:
    value = b.value(a["self"])
    axis, start, end = a["dim"] % len(value.shape), a["start"] or 0, END if a["end"] is None else a["end"]
    if a["step"] != 1:
        b.refuse(f"its step is {a['step']}", "1")
    if isinstance(start, int) and isinstance(end, int) and start == 0 and end >= END:
        return value
    if axis == value.channel_axis:
        c = value.channels
        return channels(b, value, min(c, start if start >= 0 else c + start), min(c, end if end >= 0 else c + end))
    if axis == 0 or value.axes != "nchw":
        b.refuse("it cuts the batch, or a map that is not (n, c, h, w)")
    size, out = value.shape[axis], b.shape[axis]
    first = size_for_example(start)
    before = first if first >= 0 else size + first
    if b.size is None and (first < 0 or (isinstance(end, int) and 0 <= end < END)):
        b.refuse("it cuts a fixed number of rows or columns out of any size", "amounts from both ends, such as [2:-2]")
    amounts = (before, 0, size - before - out, 0) if axis == 2 else (0, before, 0, size - before - out)
    return value if not any(amounts) else b.emit("crop", [value], attributes={"amounts": amounts})


@rule("aten.pad", "aten.constant_pad_nd", "aten.reflection_pad2d", "aten.replication_pad2d")
def pad(b: Builder, a: dict[str, Any]) -> Value:
    value = b.map(a["self"])
    by_name = {"constant_pad_nd": "constant", "reflection_pad2d": "reflect", "replication_pad2d": "replicate"}
    mode = by_name.get(b.place.operation.removeprefix("aten."), a.get("mode"))
    ours = {"constant": "zero", "reflect": "reflect", "replicate": "replicate"}.get(str(mode))
    amounts: Any = a.get("pad", a.get("padding"))
    if ours is None or len(amounts) > 4 and any(amounts[4:]):
        b.refuse(f"it pads {mode!r} by {amounts}", "zeros, mirror images or edges around the picture")
    if not all(isinstance(amount, int) for amount in amounts):
        b.refuse("its amounts depend on the picture's size", "fixed amounts, or sizes that are multiples")
    left, right, top, bottom = [*amounts[:4], 0, 0][:4]
    attributes: dict[str, Attribute] = {
        "amounts": (top, left, bottom, right),
        "mode": ours,
        "value": float(a.get("value") or 0),
    }
    return b.emit("pad", [value], attributes=attributes) if any(amounts) else value


@rule("aten.pixel_shuffle")
def pixel_shuffle(b: Builder, a: dict[str, Any]) -> Value:
    return b.emit("pixel_shuffle", [b.map(a["self"])], attributes={"factor": a["upscale_factor"]})


@rule("aten.pixel_unshuffle")
def pixel_unshuffle(b: Builder, a: dict[str, Any]) -> Value:
    return b.emit("pixel_unshuffle", [b.map(a["self"])], attributes={"factor": a["downscale_factor"]})


@rule("aten.permute", "aten.transpose")
def permute(b: Builder, a: dict[str, Any]) -> Value:
    """Channels to the end and back: the engine keeps them innermost anyway."""
    value = b.value(a["self"])
    order = [axis % len(value.shape) for axis in a.get("dims", [])]
    axes = {("nchw", (0, 2, 3, 1)): "nhwc", ("nhwc", (0, 3, 1, 2)): "nchw"}.get((value.axes, tuple(order)))
    if axes is None:
        b.refuse(f"it permutes {value.axes} by {order}", "channels to the end or back")
    return Value(value.node, b.shape, axes)  # type: ignore[arg-type]


@rule(
    "aten.view", "aten.reshape", "aten.flatten", "aten._unsafe_view", "aten.unsqueeze", "aten.squeeze", "aten.unflatten"
)
def view(b: Builder, a: dict[str, Any]) -> Value | Pending:
    """Flattening a map, single pixels as maps or vectors, groups of channels; nothing else."""
    if (seen := regrouped(b, a["self"])) is not None:
        return seen
    value, shape = b.value(a["self"]), b.shape
    if shape == value.shape:
        return value
    if value.axes != "nhwc" and shape[:2] == value.shape[:2] and not any(n > 1 for n in shape[2:] + value.shape[2:]):
        return Value(value.node, shape, "nchw" if len(shape) == 4 else "nc")  # one pixel
    if value.axes == "nchw" and len(shape) == 2 and shape[1] == value.shape[1] * value.shape[2] * value.shape[3]:
        if b.free:  # what reads a flattened map of any size has weights for one size alone
            b.size = b.example
        return b.emit("flatten", [value], axes="nc")
    b.refuse(f"it views {value.shape} as {shape}", "a map flattened, or a vector as one pixel")


@rule("aten.upsample_nearest2d", "aten.upsample_bilinear2d", "aten.upsample_bicubic2d")
def resize(b: Builder, a: dict[str, Any]) -> Value:
    value = b.map(a.get("input", a.get("self")))
    mode = b.place.operation.removeprefix("aten.upsample_").removesuffix("2d")
    attributes: dict[str, Attribute] = {"mode": mode, "align_corners": bool(a.get("align_corners", False))}
    size: Any = a.get("output_size")
    if a.get("scale_factors") is not None:
        attributes["scale"] = tuple(float(factor) for factor in a["scale_factors"])
    elif all(isinstance(side, int) for side in size) and b.size is None:
        attributes["size"] = tuple(size)
    elif b.from_fixed and b.size is None:
        return _spread(b, value)
    else:  # a size reckoned from the picture's: other sizes show whether this ratio is meant
        attributes["scale"] = tuple(out / side for out, side in zip(b.shape[2:], value.shape[2:], strict=True))
    return b.emit("resize", [value], attributes=attributes)


def _spread(b: Builder, value: Value) -> Value:
    """One pixel, resized to the size of a map, is the same everywhere by any mode: it is added to zeros there."""
    like = b.maps.get(b.shape[2:])
    if value.shape[2:] != (1, 1) or like is None:
        h, w = value.shape[2:]
        b.refuse(
            f"it resizes {h} x {w}, whatever the picture's size, to a size that follows it", "one pixel, or a scale"
        )
    zeros = gathered(b, like, [c % like.channels for c in range(value.channels)])
    zeros = b.emit("affine", [zeros], shape=b.shape, attributes={"scale": 0.0, "offset": 0.0})
    return b.emit("add", [zeros, value])
