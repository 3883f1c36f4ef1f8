"""U-Net [B10]: down through resolutions and up again, each level handing its map across (Ronneberger et al., 2015).

`UNet(1, 2)` is the paper's, 31,030,658 parameters; with `padding` it keeps its size, which the paper's valid
convolutions do not: they crop what is handed across to its centre. `SlimUNet` is ours for streets on a processor:
padded, batch norm, bilinear steps up, channels that grow by half instead of doubling.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class UNet(nn.Module):
    def __init__(
        self,
        channels: int = 1,
        classes: int = 2,
        width: int = 64,
        levels: int = 5,
        padding: bool = True,
        batch_norm: bool = False,
    ) -> None:
        super().__init__()
        widths = [width << level for level in range(levels)]
        self.multiple = 1 << (levels - 1)
        self.down = nn.ModuleList(
            _two_convolutions(c, out, padding, batch_norm) for c, out in zip([channels, *widths], widths, strict=False)
        )
        self.pool = nn.MaxPool2d(2)
        self.enlarge = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, stride=2) for w in reversed(widths[:-1]))
        self.up = nn.ModuleList(_two_convolutions(2 * w, w, padding, batch_norm) for w in reversed(widths[:-1]))
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        across = []
        for level, block in enumerate(self.down):
            x = block(x if level == 0 else self.pool(x))
            across.append(x)
        across.pop()
        for enlarge, block in zip(self.enlarge, self.up, strict=True):
            x = enlarge(x)
            x = block(torch.cat([_centre(across.pop(), x), x], 1))
        return self.head(x)


class SlimUNet(nn.Module):
    """A U-Net of under two million parameters that a processor trains in an hour or two."""

    def __init__(self, channels: int = 3, classes: int = 11, widths: tuple[int, ...] = (24, 48, 80, 112, 144)) -> None:
        super().__init__()
        self.multiple = 1 << (len(widths) - 1)
        self.down = nn.ModuleList(
            _two_convolutions(c, out, True, True) for c, out in zip([channels, *widths], widths, strict=False)
        )
        self.pool = nn.MaxPool2d(2)
        pairs = list(zip(widths[:-1], widths[1:], strict=True))[::-1]
        self.up = nn.ModuleList(_two_convolutions(narrow + wide, narrow, True, True) for narrow, wide in pairs)
        self.head = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        across = []
        for level, block in enumerate(self.down):
            x = block(x if level == 0 else self.pool(x))
            across.append(x)
        across.pop()
        for block in self.up:
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = block(torch.cat([across.pop(), x], 1))
        return self.head(x)


def _two_convolutions(channels: int, out: int, padding: bool, batch_norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for c in (channels, out):
        layers.append(nn.Conv2d(c, out, 3, padding=int(padding), bias=not batch_norm))
        if batch_norm:
            layers.append(nn.BatchNorm2d(out))
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


def _centre(x: Tensor, like: Tensor) -> Tensor:
    """x (n, c, H, W) cut to the height and width of `like`, from its middle."""
    h, w = like.shape[2:]
    if x.shape[2:] == (h, w):
        return x
    y0, x0 = (x.shape[2] - h) // 2, (x.shape[3] - w) // 2
    return x[:, :, y0 : y0 + h, x0 : x0 + w]
