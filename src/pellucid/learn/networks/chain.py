"""A chain of 3x3 convolutions that learns what bicubic enlargement misses: the shape that the engine runs fastest.

    x ----- head - [activation - conv] x layers - activation - tail --+-- pixel shuffle --> enlarged
     \\____________________ interpolation (5x5) _____________________/

All at the small picture's resolution. The interpolation starts as bicubic and the tail near zero, so an untrained chain
is a bicubic enlargement. After Shi et al., Real-time single image and video super-resolution using an efficient
sub-pixel convolutional neural network, 2016, and the plain chains of Zhang et al., Edge-oriented convolution block for
real-time super resolution on mobile devices, 2021.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from pellucid.errors import UsageError
from pellucid.learn.layers.convolution import in_order
from pellucid.learn.layers.correcting import (
    check_activation,
    hidden_layers,
    start_as_correction,
    turn_with_the_picture,
)
from pellucid.learn.layers.full_precision import in_full_precision
from pellucid.learn.layers.interpolation import interpolation
from pellucid.learn.layers.turning import Channels, tie


@dataclass(frozen=True)
class ChainOptions:
    channels: int = 48
    layers: int = 10  # convolutions between head and tail
    activation: str = "relu"
    collapsible: bool = False  # three branches in training, one kernel after it
    learn_interpolation: bool = True
    turning: bool = False  # turns and mirrors with its picture; channels in eights
    scale: int = 3
    colours: int = 3

    def __post_init__(self) -> None:
        if self.channels < 1 or self.layers < 0:
            raise UsageError("no such chain", seen=f"{self.channels} channels, {self.layers} layers")
        check_activation(self.activation)


class Chain(nn.Module):
    margin = 0
    """How many pixels the output lacks at each side: none.

    Beyond the edge convolutions see zeros, the interpolation sees the edge pixel again.
    """

    def __init__(self, options: ChainOptions) -> None:
        super().__init__()
        c, out = options.channels, options.colours * options.scale**2
        self.head = nn.Conv2d(options.colours, c, 3, padding=1)
        self.body = hidden_layers(c, options.layers, options.activation, options.collapsible)
        self.tail = nn.Conv2d(c, out, 3, padding=1)
        self.interpolation = interpolation(options.scale, options.colours, learned=options.learn_interpolation)
        self.shuffle = nn.PixelShuffle(options.scale)
        start_as_correction(self.head, self.body, self.tail)
        if options.turning:
            turn_with_the_picture(self.head, self.body, self.tail, 1, options.scale)
            for kernel in self.interpolation.parameters():
                tie(kernel, Channels(out, side=options.scale), Channels(options.colours))

    def forward(self, x: Tensor) -> Tensor:
        correction = in_order([self.head, *self.body, self.tail], x)  # (n, c, h, w) -> (n, c s s, h, w)
        return self.shuffle(correction + in_full_precision(self.interpolation, x))  # -> (n, c, h s, w s)
