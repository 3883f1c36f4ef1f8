"""DnCNN: a chain of convolutions with batch normalisation that learns the noise of one level, and takes it away.

    x --+-- conv - relu - [conv - norm - relu] x (layers - 2) - conv --+-- x - noise
        \\______________________________________________________________/

Seventeen layers for grey pictures and a known level, twenty for colour and unknown ones. Zhang, Zuo, Chen, Meng, Zhang:
Beyond a Gaussian denoiser: residual learning of deep CNN for image denoising, 2017; it is the second and third
document's denoiser. Exported, normalisation is folded into the convolutions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from pellucid.errors import UsageError


@dataclass(frozen=True)
class DnCnnOptions:
    channels: int = 64
    layers: int = 17  # convolutions in all
    colours: int = 1

    takes_level: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.channels < 1 or self.layers < 2:
            raise UsageError("no such DnCNN", seen=f"{self.channels} channels, {self.layers} layers")


class DnCnn(nn.Module):
    """[D2] (n, c, h, w) -> the same, cleaned."""

    margin = 0

    def __init__(self, options: DnCnnOptions) -> None:
        super().__init__()
        c = options.channels
        self.inputs = options.colours
        layers: list[nn.Module] = [nn.Conv2d(options.colours, c, 3, padding=1), nn.ReLU()]
        for _ in range(options.layers - 2):
            layers += [nn.Conv2d(c, c, 3, padding=1, bias=False), nn.BatchNorm2d(c), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(c, options.colours, 3, padding=1))
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x - self.layers(x)
