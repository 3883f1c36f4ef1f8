"""How a chain of convolutions starts whose output is a correction of a picture."""

from __future__ import annotations

import torch
from torch import nn

START_OF_TAIL = 0.01
"""How much smaller than usual the last convolution starts."""


def start_as_correction(head: nn.Conv2d, body: nn.Sequential, tail: nn.Conv2d) -> None:
    """Kaiming He's start [A12], and a tail that leaves the picture nearly as it is; other layers start themselves."""
    for layer in (head, *(m for m in body if type(m) is nn.Conv2d), tail):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        assert layer.bias is not None
        nn.init.zeros_(layer.bias)
    with torch.no_grad():
        tail.weight.mul_(START_OF_TAIL)
