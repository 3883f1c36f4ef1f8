"""SegNet [B11]: the way up puts values back where pooling found them (Badrinarayanan et al., 2015).

The encoder is VGG-16's convolutions with batch norm; the decoder mirrors it, unpooling with the stored positions. The
`basic` form has one convolution of 7x7 and 64 channels per level, four levels, as the paper's SegNet-Basic.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

FULL = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
BASIC = ((64,), (64,), (64,), (64,))


@dataclass(frozen=True)
class SegNetOptions:
    """`basic` is the paper's small form, of 1.4 million parameters; without it, 29.5 million."""

    basic: bool = True
    classes: int = 11
    colours: int = 3


class SegNet(nn.Module):
    def __init__(
        self,
        channels: int = 3,
        classes: int = 11,
        levels: tuple[tuple[int, ...], ...] = FULL,
        kernel: int = 3,
    ) -> None:
        super().__init__()
        self.multiple = 1 << len(levels)
        self.pool = nn.MaxPool2d(2, return_indices=True)
        self.unpool = nn.MaxUnpool2d(2)
        entries = [channels] + [widths[-1] for widths in levels[:-1]]
        self.encoder = nn.ModuleList(
            _convolutions([entry, *widths], kernel) for entry, widths in zip(entries, levels, strict=True)
        )
        exits = [levels[0][0]] + entries[1:]
        self.decoder = nn.ModuleList(
            _convolutions([*widths[::-1], out], kernel) for widths, out in zip(levels[::-1], exits[::-1], strict=True)
        )
        self.head = nn.Conv2d(levels[0][0], classes, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        positions = []
        for block in self.encoder:
            x, where = self.pool(block(x))
            positions.append(where)
        for block in self.decoder:
            x = block(self.unpool(x, positions.pop()))
        return self.head(x)


def _convolutions(widths: list[int], kernel: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels, out in zip(widths, widths[1:], strict=False):
        layers += [
            nn.Conv2d(channels, out, kernel, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)
