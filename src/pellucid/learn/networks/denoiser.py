"""Our denoiser: one network for every noise level, told the level by a map beside the picture.

    picture, level -- unshuffle -- head - [activation - conv] x layers - activation - tail --+-- shuffle --> clean
                           \\__________________________ the picture _________________________/

Blocks of two by two pixels become channels at the door, so the convolutions run on a quarter of the pixels and reach
twice as far. What they learn is the correction; the tail starts near zero, so an untrained denoiser gives back what it
is shown. Sizes must be even; the runtime sees to that. After Zhang, Zuo, Zhang: FFDNet, toward a fast and flexible
solution for CNN-based image denoising, 2018; collapsible blocks and the picture's own way around are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from pellucid.errors import UsageError
from pellucid.learn.layers.convolution import in_order
from pellucid.learn.layers.correcting import (
    check_activation,
    hidden_layers,
    start_as_correction,
    turn_with_the_picture,
)

BLOCK = 2


@dataclass(frozen=True)
class DenoiserOptions:
    channels: int = 64
    layers: int = 10  # convolutions between head and tail
    collapsible: bool = True
    colours: int = 3
    activation: str = "relu"
    turning: bool = False  # turns and mirrors with its picture; channels in eights

    takes_level: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.channels < 1 or self.layers < 0:
            raise UsageError("no such denoiser", seen=f"{self.channels} channels, {self.layers} layers")
        check_activation(self.activation)


class Denoiser(nn.Module):
    """[D2] (n, colours + 1, h, w) -> (n, colours, h, w), h and w even; the last channel is the noise's sigma."""

    margin = 0

    def __init__(self, options: DenoiserOptions) -> None:
        super().__init__()
        c, squares = options.channels, BLOCK**2
        self.inputs = options.colours + 1
        self.picture = options.colours * squares  # channels of the picture behind the door, the level's after them
        self.unshuffle = nn.PixelUnshuffle(BLOCK)
        self.head = nn.Conv2d(self.inputs * squares, c, 3, padding=1)
        self.body = hidden_layers(c, options.layers, options.activation, options.collapsible)
        self.tail = nn.Conv2d(c, self.picture, 3, padding=1)
        self.shuffle = nn.PixelShuffle(BLOCK)
        start_as_correction(self.head, self.body, self.tail)
        if options.turning:
            turn_with_the_picture(self.head, self.body, self.tail, BLOCK, BLOCK)

    def forward(self, x: Tensor) -> Tensor:
        x = self.unshuffle(x)  # (n, c + 1, h, w) -> (n, 4 (c + 1), h / 2, w / 2)
        correction = in_order([self.head, *self.body, self.tail], x)
        return self.shuffle(x[:, : self.picture] + correction)  # -> (n, c, h, w)
