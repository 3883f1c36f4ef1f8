"""Every operation of a graph as torch computes it, so that gradients flow through models that came as files.

One explicit table: operation -> function of (inputs, attributes, weights), maps being (n, c, h, w). Attributes are
complete, see `as_module`. What an operation means is said by its declaration in the engine; nothing here is fast.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

Inputs = list[Tensor]
Attributes = Mapping[str, Any]
Weights = Mapping[str, Tensor]
Operation = Callable[[Inputs, Attributes, Weights], Tensor]


def pair(value: Any) -> tuple[int, int]:
    """(y, x) of an attribute that is one number or two."""
    values = value if isinstance(value, tuple) else (value,)
    return int(values[0]), int(values[-1])


def sides(value: Any) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) of an attribute that is one number, (y, x), or all four."""
    values = value if isinstance(value, tuple) else (value,)
    if len(values) == 4:
        return int(values[0]), int(values[1]), int(values[2]), int(values[3])
    return (*pair(value), *pair(value))


def _pad(x: Tensor, amounts: Any, mode: str = "constant", value: float = 0.0) -> Tensor:
    top, left, bottom, right = amounts
    return F.pad(x, (left, right, top, bottom), mode, value if mode == "constant" else None)


def _conv(i: Inputs, a: Attributes, w: Weights) -> Tensor:
    top, left, bottom, right = sides(a["padding"])
    same = (top, left) == (bottom, right)  # as torch pads by itself, without a copy
    x, padding = (i[0], (top, left)) if same else (_pad(i[0], (top, left, bottom, right)), (0, 0))
    return F.conv2d(x, w["weight"], w.get("bias"), pair(a["stride"]), padding, pair(a["dilation"]), a["groups"])


def _conv_transpose(i: Inputs, a: Attributes, w: Weights) -> Tensor:
    """Without padding, then cut: the sides may differ; more zeros than the cut takes off come from output_padding."""
    top, left, bottom, right = sides(a["padding"])
    ey, ex = pair(a["output_padding"])
    weight, stride, dilation = w["weight"], pair(a["stride"]), pair(a["dilation"])
    y = F.conv_transpose2d(i[0], weight, None, stride, 0, 0, a["groups"], dilation)
    y = _pad(y, (-top, -left, ey - bottom, ex - right))
    return y if "bias" not in w else y + w["bias"][:, None, None]


def _linear(i: Inputs, a: Attributes, w: Weights) -> Tensor:
    if i[0].shape[2:] == (1, 1):
        return F.linear(i[0].flatten(1), w["weight"], w.get("bias"))[:, :, None, None]
    return F.conv2d(i[0], w["weight"][:, :, None, None], w.get("bias"))


def _affine(i: Inputs, a: Attributes, w: Weights) -> Tensor:
    scale, offset = (
        w[role][:, None, None] if role in w else torch.tensor(a[role], dtype=i[0].dtype).reshape(-1, 1, 1)
        for role in ("scale", "offset")
    )
    return i[0] * scale + offset


def _batch_norm(i: Inputs, a: Attributes, w: Weights) -> Tensor:
    return F.batch_norm(i[0], w["mean"], w["variance"], w.get("weight"), w.get("bias"), eps=a["eps"])


def _layer_norm(i: Inputs, a: Attributes, w: Weights) -> Tensor:
    weight, bias = w.get("weight"), w.get("bias")
    if a["over"] == "channels":
        x = i[0].permute(0, 2, 3, 1)
        return F.layer_norm(x, x.shape[3:], weight, bias, a["eps"]).permute(0, 3, 1, 2)
    y = F.layer_norm(i[0], i[0].shape[1:], eps=a["eps"])
    for array, act in ((weight, torch.mul), (bias, torch.add)):
        y = y if array is None else act(y, array if array.ndim == 3 else array[:, None, None])
    return y


def _group_norm(i: Inputs, a: Attributes, w: Weights) -> Tensor:
    return F.group_norm(i[0], a["groups"], w.get("weight"), w.get("bias"), a["eps"])


def _instance_norm(i: Inputs, a: Attributes, w: Weights) -> Tensor:
    return F.instance_norm(i[0], weight=w.get("weight"), bias=w.get("bias"), eps=a["eps"])


def _of_groups(x: Tensor, groups: int) -> Tensor:
    return x.unflatten(1, (groups, x.shape[1] // groups))  # (n, groups, c / groups, h, w)


def _padded(i: Inputs, a: Attributes, w: Weights) -> Tensor:
    mode = "constant" if a["mode"] == "zero" else str(a["mode"])
    amounts = sides(a["amounts"])
    if mode == "constant" or min(amounts) >= 0:
        return _pad(i[0], amounts, mode, a["value"])
    grown = _pad(i[0], tuple(max(n, 0) for n in amounts), mode)
    return _pad(grown, tuple(min(n, 0) for n in amounts))


def _crop(i: Inputs, a: Attributes, w: Weights) -> Tensor:
    top, left, bottom, right = sides(a["amounts"])
    return _pad(i[0], (-top, -left, -bottom, -right))


def _steps(a: Attributes) -> tuple[int, int]:
    """The stride of a pooling; 0 is the kernel's size."""
    (ky, kx), (sy, sx) = pair(a["kernel"]), pair(a["stride"])
    return sy or ky, sx or kx


def _max_pool(i: Inputs, a: Attributes, w: Weights) -> Tensor:
    kernel, padding, dilation = pair(a["kernel"]), pair(a["padding"]), pair(a["dilation"])
    return F.max_pool2d(i[0], kernel, _steps(a), padding, dilation, a["ceil_mode"])


def _mean_pool(i: Inputs, a: Attributes, w: Weights) -> Tensor:
    kernel, padding = pair(a["kernel"]), pair(a["padding"])
    return F.avg_pool2d(i[0], kernel, _steps(a), padding, a["ceil_mode"], a["count_include_pad"])


def _corners(like: Tensor, steps: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Where each window of a pooling begins."""
    rows, columns = torch.arange(like.shape[2]) * steps[0], torch.arange(like.shape[3]) * steps[1]
    return rows[:, None], columns[None]


def _positions(i: Inputs, a: Attributes, w: Weights) -> Tensor:
    _, flat = F.max_pool2d(i[0], pair(a["kernel"]), _steps(a), return_indices=True)
    (rows, columns), width = _corners(flat, _steps(a)), i[0].shape[3]
    return ((flat // width - rows) * pair(a["kernel"])[1] + flat % width - columns).to(i[0].dtype)


def _max_unpool(i: Inputs, a: Attributes, w: Weights) -> Tensor:
    value, tap = i[0], i[1].long()
    (kh, kw), (sy, sx) = pair(a["kernel"]), _steps(a)
    h, width = (value.shape[2] - 1) * sy + kh, (value.shape[3] - 1) * sx + kw
    rows, columns = _corners(value, (sy, sx))
    flat = (rows + tap // kw) * width + columns + tap % kw
    return F.max_unpool2d(value, flat, (kh, kw), (sy, sx), output_size=(h, width))


def _resize(i: Inputs, a: Attributes, w: Weights) -> Tensor:
    scale = a["scale"] if isinstance(a["scale"], tuple) else (a["scale"],)
    corners = None if a["mode"] == "nearest" else bool(a["align_corners"])
    if scale[0] > 0:
        return F.interpolate(i[0], None, (float(scale[0]), float(scale[-1])), a["mode"], corners)
    return F.interpolate(i[0], pair(a["size"]), None, a["mode"], corners)


def _apply_kernels(i: Inputs, a: Attributes, w: Weights) -> Tensor:
    """Each pixel's own weighted sum of its neighbours, zeros around; one kernel for all channels or one for each."""
    (kh, kw), (n, c, h, width) = pair(a["kernel"]), i[0].shape
    x = _pad(i[0], (kh // 2, kw // 2, kh - 1 - kh // 2, kw - 1 - kw // 2))
    neighbours = F.unfold(x, (kh, kw)).reshape(n, c, kh * kw, h, width)
    return (neighbours * i[1].reshape(n, -1, kh * kw, h, width)).sum(2)


OPERATIONS: dict[str, Operation] = {
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "linear": _linear,
    "affine": _affine,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "group_norm": _group_norm,
    "instance_norm": _instance_norm,
    "local_response_norm": lambda i, a, w: F.local_response_norm(i[0], a["size"], a["alpha"], a["beta"], a["k"]),
    "pad": _padded,
    "crop": _crop,
    "max_pool": _max_pool,
    "mean_pool": _mean_pool,
    "max_pool_positions": _positions,
    "max_unpool": _max_unpool,
    "adaptive_max_pool": lambda i, a, w: F.adaptive_max_pool2d(i[0], pair(a["size"])),
    "adaptive_mean_pool": lambda i, a, w: F.adaptive_avg_pool2d(i[0], pair(a["size"])),
    "global_max_pool": lambda i, a, w: i[0].amax((2, 3), keepdim=True),
    "global_mean_pool": lambda i, a, w: i[0].mean((2, 3), keepdim=True),
    "resize": _resize,
    "apply_kernels": _apply_kernels,
    "pixel_shuffle": lambda i, a, w: F.pixel_shuffle(i[0], a["factor"]),
    "pixel_unshuffle": lambda i, a, w: F.pixel_unshuffle(i[0], a["factor"]),
    "flatten": lambda i, a, w: i[0].flatten(1)[:, :, None, None],
    "concat": lambda i, a, w: torch.cat(i, 1),
    "slice_channels": lambda i, a, w: i[0][:, a["start"] : a["stop"]],
    "channel_max_pool": lambda i, a, w: _of_groups(i[0], a["groups"]).amax(2),
    "channel_mean_pool": lambda i, a, w: _of_groups(i[0], a["groups"]).mean(2),
    "add": lambda i, a, w: i[0] + i[1],
    "subtract": lambda i, a, w: i[0] - i[1],
    "multiply": lambda i, a, w: i[0] * i[1],
    "relu": lambda i, a, w: F.relu(i[0]),
    "leaky_relu": lambda i, a, w: F.leaky_relu(i[0], a["slope"]),
    "prelu": lambda i, a, w: F.prelu(i[0], w["weight"]),
    "sigmoid": lambda i, a, w: torch.sigmoid(i[0]),
    "tanh": lambda i, a, w: torch.tanh(i[0]),
    "selu": lambda i, a, w: F.selu(i[0]),
    "sine": lambda i, a, w: torch.sin(a["frequency"] * i[0]),
    "gelu": lambda i, a, w: F.gelu(i[0], approximate=a["approximate"]),
    "hardswish": lambda i, a, w: F.hardswish(i[0]),
    "silu": lambda i, a, w: F.silu(i[0]),
    "softsign": lambda i, a, w: F.softsign(i[0]),
    "softplus": lambda i, a, w: F.softplus(i[0]),
    "step": lambda i, a, w: (i[0] > 0).to(i[0].dtype),
    "exp": lambda i, a, w: torch.exp(i[0]),
    "clip": lambda i, a, w: i[0].clamp(a["low"], a["high"]),
    "softmax": lambda i, a, w: i[0].softmax(1),
}
