"""The models that ship, as torch modules, so that peers run what we run. Not a runtime: only what those models are made
of, written as somebody who uses torch would write it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pellucid import models
from pellucid.errors import GraphError
from pellucid.graph import INPUT
from pellucid.modelfile import load

Weights = dict[str, Tensor]


class Shipped(nn.Module):
    """One model by its name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        file = load(models.path_of(name))
        self.nodes = file.graph.nodes
        self.channels, self.size, self.multiple = file.graph.channels, file.graph.size, file.graph.multiple
        for key, array in file.weights.items():
            self.register_buffer(key.replace(".", "_"), torch.from_numpy(array))
        self.roles = {
            node.name: [key for key in file.weights if key.rpartition(".")[0] == node.weights_prefix]
            for node in self.nodes
        }

    def forward(self, x: Tensor) -> Tensor:
        maps = {INPUT: x}
        for node in self.nodes:
            weights = {key.rpartition(".")[2]: self.get_buffer(key.replace(".", "_")) for key in self.roles[node.name]}
            maps[node.name] = OPERATIONS[node.operation]([maps[i] for i in node.inputs], node.attributes, weights)
        return maps[self.nodes[-1].name]


def _conv(x: list[Tensor], a: Any, w: Weights) -> Tensor:
    top, left, bottom, right = a["padding"]
    if (top, left) != (bottom, right):
        raise GraphError("a convolution padded otherwise at opposite edges", seen=a["padding"])
    return F.conv2d(x[0], w["weight"], w.get("bias"), a["stride"], (top, left), a["dilation"], a["groups"])


def _pad(x: list[Tensor], a: Any, w: Weights) -> Tensor:
    top, left, bottom, right = a["amounts"]
    return F.pad(x[0], (left, right, top, bottom), a["mode"])


OPERATIONS: dict[str, Callable[[list[Tensor], Any, Weights], Tensor]] = {
    "conv": _conv,
    "linear": lambda x, a, w: F.linear(x[0], w["weight"], w.get("bias")),
    "relu": lambda x, a, w: F.relu(x[0]),
    "prelu": lambda x, a, w: F.prelu(x[0], w["weight"]),
    "pad": _pad,
    "max_pool": lambda x, a, w: F.max_pool2d(x[0], a["kernel"], a["stride"], a["padding"], a["dilation"]),
    "add": lambda x, a, w: x[0] + x[1],
    "subtract": lambda x, a, w: x[0] - x[1],
    "slice_channels": lambda x, a, w: x[0][:, a["start"] : a["stop"]],
    "concat": lambda x, a, w: torch.cat(x, 1),
    "pixel_shuffle": lambda x, a, w: F.pixel_shuffle(x[0], a["factor"]),
    "pixel_unshuffle": lambda x, a, w: F.pixel_unshuffle(x[0], a["factor"]),
    "flatten": lambda x, a, w: x[0].flatten(1),
}
