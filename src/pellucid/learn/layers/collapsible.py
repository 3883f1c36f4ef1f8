"""A 3x3 convolution that trains as three branches and runs as one.

    x --+-- 3x3 kernel ------+
        +-- 1x1 kernel ------+-- sum + bias
        +-- gain * x --------+

All three are linear and see the same x, so their sum is one 3x3 kernel: it is what a forward pass computes, while
training too, and the branches cost a sum of small tensors. The gain starts at one: the signal of a deep plain chain
passes at first, and no unit of a ReLU starts dead. After Ding et al., RepVGG, 2021, and Zhang et al., Edge-oriented
convolution block for real-time super resolution on mobile devices, 2021; training on the summed kernel after Bhardwaj
et al., Collapsible linear blocks for super-efficient super resolution, 2022.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIDE = 3
START = 0.5
"""Standard deviation of the kernels at the start, as a share of Kaiming He's: the gain carries the signal already."""


class CollapsibleConv2d(nn.Conv2d):
    """As many channels out as in, stride 1, zeros around."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, SIDE, padding=SIDE // 2)
        self.point = nn.Parameter(torch.zeros(channels, channels))  # oc ic
        self.gain = nn.Parameter(torch.ones(channels))
        assert self.bias is not None
        nn.init.normal_(self.weight, std=START * math.sqrt(2 / (channels * SIDE**2)))
        nn.init.zeros_(self.bias)

    def kernel(self) -> Tensor:
        """The sum of the branches, (oc, ic, 3, 3)."""
        middle = self.point + torch.diag(self.gain)
        return self.weight + F.pad(middle[:, :, None, None], (SIDE // 2,) * 4)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.kernel(), self.bias, padding=SIDE // 2)

    def collapsed(self) -> nn.Conv2d:
        """The same function as an ordinary convolution."""
        plain = nn.Conv2d(self.in_channels, self.out_channels, SIDE, padding=SIDE // 2)
        assert plain.bias is not None and self.bias is not None
        with torch.no_grad():
            plain.weight.copy_(self.kernel())
            plain.bias.copy_(self.bias)
        return plain
