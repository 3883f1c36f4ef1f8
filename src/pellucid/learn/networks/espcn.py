"""ESPCN: three convolutions at the small picture's resolution, then the pixel shuffle that it introduced.

Shi et al., Real-time single image and video super-resolution using an efficient sub-pixel convolutional neural network,
2016: 5x5 to 64 channels, 3x3 to 32, 3x3 to scale * scale, tanh between them, on the luma channel. 22,729 parameters for
scale 3. The paper trains without padding; here edges are padded with zeros, so that pictures keep their size.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class EspcnOptions:
    scale: int = 3
    colours: int = 1


class Espcn(nn.Module):
    margin = 0

    def __init__(self, options: EspcnOptions) -> None:
        super().__init__()
        self.features = nn.Conv2d(options.colours, 64, 5, padding=2)
        self.mapping = nn.Conv2d(64, 32, 3, padding=1)
        self.enlarging = nn.Conv2d(32, options.colours * options.scale**2, 3, padding=1)
        self.tanh = nn.Tanh()
        self.shuffle = nn.PixelShuffle(options.scale)

    def forward(self, x: Tensor) -> Tensor:
        x = self.tanh(self.features(x))  # (n, c, h, w) -> (n, 64, h, w)
        x = self.tanh(self.mapping(x))  # -> (n, 32, h, w)
        return self.shuffle(self.enlarging(x))  # -> (n, c s s, h, w) -> (n, c, h s, w s)
