"""Chains of convolutions whose output corrects a picture: their hidden layers, and how they start."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from pellucid.errors import unknown_name
from pellucid.learn.layers.collapsible import CollapsibleConv2d
from pellucid.learn.layers.turning import Channels, tie

START_OF_TAIL = 0.01
"""How much smaller than usual the last convolution starts."""
ACTIVATIONS: dict[str, Callable[[int], nn.Module]] = {
    "relu": lambda channels: nn.ReLU(),
    "prelu": nn.PReLU,
}


def check_activation(name: str) -> None:
    if name not in ACTIVATIONS:
        raise unknown_name("activation", name, list(ACTIVATIONS))


def hidden_layers(channels: int, layers: int, activation: str, collapsible: bool) -> nn.Sequential:
    """What lies between head and tail: [activation - conv] x layers - activation."""
    body: list[nn.Module] = []
    for _ in range(layers):
        layer = CollapsibleConv2d(channels) if collapsible else nn.Conv2d(channels, channels, 3, padding=1)
        body += [ACTIVATIONS[activation](channels), layer]
    return nn.Sequential(*body, ACTIVATIONS[activation](channels))


def start_as_correction(head: nn.Conv2d, body: nn.Sequential, tail: nn.Conv2d) -> None:
    """Kaiming He's start [A12], and a tail that leaves the picture nearly as it is; other layers start themselves."""
    for layer in (head, *(m for m in body if type(m) is nn.Conv2d), tail):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        assert layer.bias is not None
        nn.init.zeros_(layer.bias)
    with torch.no_grad():
        tail.weight.mul_(START_OF_TAIL)


def turn_with_the_picture(head: nn.Conv2d, body: nn.Sequential, tail: nn.Conv2d, seen: int, shown: int) -> None:
    """Ties the weights of a chain whose input is made of blocks of `seen` by `seen` pixels, its output of `shown`."""
    hidden = Channels(head.out_channels, eights=True)
    ends = {
        head: (hidden, Channels(head.in_channels, side=seen)),
        tail: (Channels(tail.out_channels, side=shown), hidden),
    }
    for layer in (head, *body, tail):
        channels = ends.get(layer, (hidden, hidden))
        for parameter in layer.parameters(recurse=False):
            tie(parameter, *channels[: min(parameter.ndim, 2)])
