"""The first document's plain convnet: 3x3 convolutions without padding, ReLU between them, a mean squared error on the
centred crop, because the output is smaller than the target.

The document gives layers (five of 64 channels) and says that "downsampled patches are input" to a "ConvNet that
upsamples an image 3x", but not where it enlarges. We enlarge at the end, by pixel shuffle: the convolutions then run on
a ninth of the pixels. With scale 1 nothing is enlarged; that is the small net which learns the identity function.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from pellucid.errors import UsageError


@dataclass(frozen=True)
class PlainOptions:
    channels: int = 64
    layers: int = 5  # convolutions in all
    scale: int = 3
    colours: int = 3

    def __post_init__(self) -> None:
        if self.channels < 1 or self.layers < 1:
            raise UsageError("no such network", seen=f"{self.channels} channels, {self.layers} layers")


class Plain(nn.Module):
    """[B-plain]"""

    def __init__(self, options: PlainOptions) -> None:
        super().__init__()
        self.margin = options.layers * options.scale  # what the output lacks at each side
        widths = [options.colours, *[options.channels] * (options.layers - 1), options.colours * options.scale**2]
        layers: list[nn.Module] = []
        for wide, out in zip(widths, widths[1:], strict=False):
            layers += [nn.Conv2d(wide, out, 3), nn.ReLU()]
        layers.pop()  # the picture itself is not clipped
        if options.scale > 1:
            layers.append(nn.PixelShuffle(options.scale))
        self.layers = nn.Sequential(*layers)
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                assert layer.bias is not None
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)  # (n, c, h, w) -> (n, c, (h - 2 layers) s, (w - 2 layers) s)
