"""U-Net [B10]: down through resolutions and up again, each level handing its map across (Ronneberger et al., 2015).

`UNet(1, 2)` is the paper's, 31,030,658 parameters; with `padding` it keeps its size, which the paper's valid
convolutions do not: they crop what is handed across to its centre. `SlimUNet` is ours for streets on a processor:
half the size, padded, batch norm, bilinear steps up.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.errors import UsageError


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


@dataclass(frozen=True)
class SlimUNetOptions:
    """`width` is the number of channels at half the picture's size, the finest level."""

    width: int = 16
    classes: int = 11
    colours: int = 3

    def __post_init__(self) -> None:
        for key in ("width", "classes"):
            if getattr(self, key) < 1:
                raise UsageError(f"recipe: network.{key} is too small", seen=getattr(self, key), expected="1 or more")


class SlimUNet(nn.Module):
    """A U-Net of 1.1 million parameters that one processor core trains within an hour.

    It works at half the picture's size and below, where each value of a map stands for 2 x 2 pixels: what the full
    size would cost there goes into context. In training it gives the classes at half the size, where the loss compares
    each with the four pixels that it stands for; else enlarged to the picture's.
    """

    def __init__(self, channels: int = 3, classes: int = 11, width: int = 16) -> None:
        super().__init__()
        widths = [width, 2 * width, 4 * width, 8 * width, 10 * width]
        self.multiple = 1 << len(widths)
        self.apart = nn.PixelUnshuffle(2)
        self.entry = _convolutions(4 * channels, widths[0])
        self.pool = nn.MaxPool2d(2)
        pairs = list(zip(widths[:-1], widths[1:], strict=True))
        self.down = nn.ModuleList(_convolutions(narrow, wide, wide) for narrow, wide in pairs)
        self.narrow = nn.ModuleList(nn.Conv2d(wide, narrow, 1) for narrow, wide in reversed(pairs))
        self.up = nn.ModuleList(_convolutions(2 * narrow, narrow) for narrow, _ in reversed(pairs))
        self.head = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        across = [self.entry(self.apart(x))]
        for block in self.down:
            across.append(block(self.pool(across[-1])))
        x = across.pop()
        for narrow, block in zip(self.narrow, self.up, strict=True):
            x = block(torch.cat([across.pop(), _doubled(narrow(x))], 1))  # narrowed first: enlarging costs less
        x = self.head(x)
        return x if self.training else _doubled(x)


def _convolutions(*widths: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for c, out in pairwise(widths):
        layers += [nn.Conv2d(c, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


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
