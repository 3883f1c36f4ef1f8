"""Runs a graph node by node on torch's functions: slow, plain, and independent of the engine. An oracle for exported
graphs and model files; it knows only the words of `pellucid.graph`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from pellucid.graph import INPUT, Graph, Node

Weights = dict[str, torch.Tensor]
Operation = Callable[[list[torch.Tensor], dict[str, Any], Weights], torch.Tensor]


def interpret(graph: Graph, weights: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """(n, h, w, c) -> (n, h', w', c')."""
    maps = {INPUT: torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))}
    for node in graph.nodes:
        arrays = {role: torch.from_numpy(array) for role, array in _weights(node, weights).items()}
        inputs = [maps[name] for name in node.inputs]
        maps[node.name] = OPERATIONS[node.operation](inputs, dict(node.attributes), arrays)
    return maps[graph.nodes[-1].name].numpy().transpose(0, 2, 3, 1)


def _weights(node: Node, weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    prefix = node.weights_prefix + "."
    return {name.removeprefix(prefix): a for name, a in weights.items() if name.rpartition(".")[0] + "." == prefix}


def _pad(x: torch.Tensor, amounts: tuple[int, ...], mode: str = "constant", value: float = 0) -> torch.Tensor:
    top, left, bottom, right = amounts
    return F.pad(x, (left, right, top, bottom), mode, value if mode == "constant" else None)


def _conv(i: list[torch.Tensor], a: dict[str, Any], w: Weights) -> torch.Tensor:
    x = _pad(i[0], a["padding"])
    return F.conv2d(x, w["weight"], w.get("bias"), a["stride"], 0, a["dilation"], a["groups"])


def _conv_transpose(i: list[torch.Tensor], a: dict[str, Any], w: Weights) -> torch.Tensor:
    padding, groups = a["padding"][:2], a["groups"]
    return F.conv_transpose2d(
        i[0], w["weight"], w.get("bias"), a["stride"], padding, a["output_padding"], groups, a["dilation"]
    )


def _linear(i: list[torch.Tensor], a: dict[str, Any], w: Weights) -> torch.Tensor:
    return F.conv2d(i[0], w["weight"][:, :, None, None], w.get("bias"))


def _affine(i: list[torch.Tensor], a: dict[str, Any], w: Weights) -> torch.Tensor:
    scale, offset = (
        w[role].reshape(1, -1, 1, 1) if role in w else torch.tensor(a.get(role, default))
        for role, default in (("scale", 1.0), ("offset", 0.0))
    )
    return i[0] * scale + offset


def _pad_node(i: list[torch.Tensor], a: dict[str, Any], w: Weights) -> torch.Tensor:
    modes = {"zero": "constant", "reflect": "reflect", "replicate": "replicate"}
    return _pad(i[0], a["amounts"], modes[a["mode"]], a["value"])


def _crop(i: list[torch.Tensor], a: dict[str, Any], w: Weights) -> torch.Tensor:
    top, left, bottom, right = a["amounts"]
    return i[0][:, :, top : i[0].shape[2] - bottom, left : i[0].shape[3] - right]


def _max_pool(i: list[torch.Tensor], a: dict[str, Any], w: Weights) -> torch.Tensor:
    return F.max_pool2d(i[0], a["kernel"], a["stride"], a["padding"], a["dilation"], a["ceil_mode"])


def _positions(i: list[torch.Tensor], a: dict[str, Any], w: Weights) -> torch.Tensor:
    """Offsets inside the window, row by row."""
    _, flat = F.max_pool2d(i[0], a["kernel"], a["stride"], return_indices=True)
    width = i[0].shape[3]
    rows, columns = torch.meshgrid(torch.arange(flat.shape[2]), torch.arange(flat.shape[3]), indexing="ij")
    y, x = flat // width - rows * a["stride"][0], flat % width - columns * a["stride"][1]
    return (y * a["kernel"][1] + x).float()


def _max_unpool(i: list[torch.Tensor], a: dict[str, Any], w: Weights) -> torch.Tensor:
    value, offset = i[0], i[1].long()
    (kh, kw), (sy, sx) = a["kernel"], a["stride"]
    h, width = (value.shape[2] - 1) * sy + kh, (value.shape[3] - 1) * sx + kw
    rows, columns = torch.meshgrid(torch.arange(value.shape[2]), torch.arange(value.shape[3]), indexing="ij")
    flat = (rows * sy + offset // kw) * width + columns * sx + offset % kw
    return F.max_unpool2d(value, flat, (kh, kw), (sy, sx), output_size=(h, width))


def _mean_pool(i: list[torch.Tensor], a: dict[str, Any], w: Weights) -> torch.Tensor:
    return F.avg_pool2d(i[0], a["kernel"], a["stride"], a["padding"], a["ceil_mode"], a["count_include_pad"])


def _resize(i: list[torch.Tensor], a: dict[str, Any], w: Weights) -> torch.Tensor:
    corners = None if a["mode"] == "nearest" else a["align_corners"]
    return F.interpolate(i[0], a.get("size"), a.get("scale"), a["mode"], corners)


def _batch_norm(i: list[torch.Tensor], a: dict[str, Any], w: Weights) -> torch.Tensor:
    return F.batch_norm(i[0], w["mean"], w["variance"], w.get("weight"), w.get("bias"), eps=a["eps"])


def _layer_norm(i: list[torch.Tensor], a: dict[str, Any], w: Weights) -> torch.Tensor:
    if a.get("over") == "all":
        return F.layer_norm(i[0], i[0].shape[1:], w.get("weight"), w.get("bias"), a["eps"])
    x = i[0].permute(0, 2, 3, 1)
    return F.layer_norm(x, (x.shape[3],), w.get("weight"), w.get("bias"), a["eps"]).permute(0, 3, 1, 2)


def _groups(x: torch.Tensor, a: dict[str, Any]) -> torch.Tensor:
    return x.reshape(x.shape[0], a.get("groups", 1), -1, *x.shape[2:])


def _apply_kernels(i: list[torch.Tensor], a: dict[str, Any], w: Weights) -> torch.Tensor:
    """A tap at a time: each pixel's neighbour there, zeros around, by the pixel's own weight."""
    (kh, kw), (height, width) = a["kernel"], i[0].shape[2:]
    x, y = F.pad(i[0], (kw // 2, kw // 2, kh // 2, kh // 2)), torch.zeros_like(i[0])
    for tap in range(kh * kw):
        top, left = tap // kw, tap % kw
        per_channel = i[1][:, tap :: kh * kw]  # (n, 1 or c, h, w)
        y += per_channel * x[:, :, top : top + height, left : left + width]
    return y


OPERATIONS: dict[str, Operation] = {
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "linear": _linear,
    "affine": _affine,
    "pad": _pad_node,
    "crop": _crop,
    "max_pool": _max_pool,
    "max_pool_positions": _positions,
    "max_unpool": _max_unpool,
    "mean_pool": _mean_pool,
    "resize": _resize,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "instance_norm": lambda i, a, w: F.instance_norm(i[0], weight=w.get("weight"), bias=w.get("bias"), eps=a["eps"]),
    "group_norm": lambda i, a, w: F.group_norm(i[0], a["groups"], w.get("weight"), w.get("bias"), a["eps"]),
    "local_response_norm": lambda i, a, w: F.local_response_norm(i[0], a["size"], a["alpha"], a["beta"], a["k"]),
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
    "exp": lambda i, a, w: torch.exp(i[0]),
    "step": lambda i, a, w: (i[0] > 0).float(),
    "clip": lambda i, a, w: i[0].clamp(a["low"], a["high"]),
    "softmax": lambda i, a, w: i[0].softmax(1),
    "add": lambda i, a, w: i[0] + i[1],
    "subtract": lambda i, a, w: i[0] - i[1],
    "multiply": lambda i, a, w: i[0] * i[1],
    "concat": lambda i, a, w: torch.cat(i, 1),
    "slice_channels": lambda i, a, w: i[0][:, a["start"] : a["stop"]],
    "channel_max_pool": lambda i, a, w: _groups(i[0], a).amax(2),
    "channel_mean_pool": lambda i, a, w: _groups(i[0], a).mean(2),
    "apply_kernels": _apply_kernels,
    "global_max_pool": lambda i, a, w: i[0].amax((2, 3), keepdim=True),
    "global_mean_pool": lambda i, a, w: i[0].mean((2, 3), keepdim=True),
    "adaptive_max_pool": lambda i, a, w: F.adaptive_max_pool2d(i[0], a["size"]),
    "adaptive_mean_pool": lambda i, a, w: F.adaptive_avg_pool2d(i[0], a["size"]),
    "pixel_shuffle": lambda i, a, w: F.pixel_shuffle(i[0], a["factor"]),
    "pixel_unshuffle": lambda i, a, w: F.pixel_unshuffle(i[0], a["factor"]),
    "flatten": lambda i, a, w: i[0].flatten(1)[:, :, None, None],
}
