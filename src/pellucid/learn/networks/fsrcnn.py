"""FSRCNN: shrink, map and expand in few channels, enlarge by one transposed convolution at the end.

Dong et al., Accelerating the super-resolution convolutional neural network, 2016, with its d = 56, s = 12, m = 4 as
defaults: 12,809 parameters on the luma channel (12,464 weights, 173 biases, 172 slopes), whatever the scale.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class FsrcnnOptions:
    features: int = 56  # the paper's d
    shrunk: int = 12  # s
    mappings: int = 4  # m
    scale: int = 3
    colours: int = 1


class Fsrcnn(nn.Module):
    margin = 0

    def __init__(self, options: FsrcnnOptions) -> None:
        super().__init__()
        d, s, scale = options.features, options.shrunk, options.scale
        layers: list[nn.Module] = [nn.Conv2d(options.colours, d, 5, padding=2), nn.PReLU(d)]
        layers += [nn.Conv2d(d, s, 1), nn.PReLU(s)]
        for _ in range(options.mappings):
            layers += [nn.Conv2d(s, s, 3, padding=1), nn.PReLU(s)]
        layers += [nn.Conv2d(s, d, 1), nn.PReLU(d)]
        for layer in layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, a=0.25)  # PReLU's first slope
                assert layer.bias is not None
                nn.init.zeros_(layer.bias)
        self.layers = nn.Sequential(*layers)
        self.enlarging = nn.ConvTranspose2d(d, options.colours, 9, scale, padding=4, output_padding=scale - 1)
        nn.init.normal_(self.enlarging.weight, std=0.001)  # as the paper starts it

    def forward(self, x: Tensor) -> Tensor:
        return self.enlarging(self.layers(x))  # (n, c, h, w) -> (n, d, h, w) -> (n, c, h s, w s)
