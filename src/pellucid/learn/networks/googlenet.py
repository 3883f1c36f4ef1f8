"""GoogLeNet [B5]: blocks of parallel kernels behind 1x1 bottlenecks (Szegedy et al., 2014). Key layout as torchvision's
`googlenet`: with batch norm, and a 3x3 kernel where the paper has 5x5, as in the published weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

# name: in, 1x1, (3x3 bottleneck, 3x3), (5x5 bottleneck, 5x5), after pooling; the paper's table 1
BLOCKS = {
    "inception3a": (192, 64, 96, 128, 16, 32, 32),
    "inception3b": (256, 128, 128, 192, 32, 96, 64),
    "inception4a": (480, 192, 96, 208, 16, 48, 64),
    "inception4b": (512, 160, 112, 224, 24, 64, 64),
    "inception4c": (512, 128, 128, 256, 24, 64, 64),
    "inception4d": (512, 112, 144, 288, 32, 64, 64),
    "inception4e": (528, 256, 160, 320, 32, 128, 128),
    "inception5a": (832, 256, 160, 320, 32, 128, 128),
    "inception5b": (832, 384, 192, 384, 48, 128, 128),
}


class ConvNormReLU(nn.Module):
    def __init__(self, channels: int, out: int, kernel: int, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(out, eps=0.001)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.bn(self.conv(x)))


class Inception(nn.Module):
    """Four branches side by side, concatenated."""

    def __init__(self, channels: int, c1: int, c3_in: int, c3: int, c5_in: int, c5: int, pooled: int) -> None:
        super().__init__()
        self.branch1 = ConvNormReLU(channels, c1, 1)
        self.branch2 = nn.Sequential(ConvNormReLU(channels, c3_in, 1), ConvNormReLU(c3_in, c3, 3, padding=1))
        self.branch3 = nn.Sequential(ConvNormReLU(channels, c5_in, 1), ConvNormReLU(c5_in, c5, 3, padding=1))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), ConvNormReLU(channels, pooled, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class Auxiliary(nn.Module):
    """A classifier half way, which feeds gradients into the depth while training."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.conv = ConvNormReLU(channels, 128, 1)
        self.fc1 = nn.Linear(128 * 4 * 4, 1024)
        self.fc2 = nn.Linear(1024, classes)
        self.pool = nn.AdaptiveAvgPool2d(4)
        self.dropout = nn.Dropout(0.7)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.fc1(self.conv(self.pool(x)).flatten(1)))
        return self.fc2(self.dropout(x))


class GoogLeNet(nn.Module):
    def __init__(self, classes: int = 1000, auxiliary: bool = False, dropout: float = 0.2) -> None:
        super().__init__()
        self.conv1 = ConvNormReLU(3, 64, 7, 2, 3)  # 224 -> 112
        self.maxpool1 = nn.MaxPool2d(3, 2, ceil_mode=True)  # 56
        self.conv2 = ConvNormReLU(64, 64, 1)
        self.conv3 = ConvNormReLU(64, 192, 3, padding=1)
        self.maxpool2 = nn.MaxPool2d(3, 2, ceil_mode=True)  # 28
        for name, sizes in BLOCKS.items():
            self.add_module(name, Inception(*sizes))
        self.maxpool3 = nn.MaxPool2d(3, 2, ceil_mode=True)  # 14
        self.maxpool4 = nn.MaxPool2d(2, 2, ceil_mode=True)  # 7
        self.aux1 = Auxiliary(512, classes) if auxiliary else None
        self.aux2 = Auxiliary(528, classes) if auxiliary else None
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(1024, classes)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor, Tensor]:
        x = self.maxpool2(self.conv3(self.conv2(self.maxpool1(self.conv1(x)))))
        x = self.maxpool3(self._blocks(x, "3a", "3b"))
        early = self._blocks(x, "4a")
        late = self._blocks(early, "4b", "4c", "4d")
        x = self._blocks(self.maxpool4(self._blocks(late, "4e")), "5a", "5b")
        y = self.fc(self.dropout(self.avgpool(x).flatten(1)))
        if self.training and self.aux1 is not None and self.aux2 is not None:
            return y, self.aux2(late), self.aux1(early)
        return y

    def _blocks(self, x: Tensor, *names: str) -> Tensor:
        for name in names:
            x = self.get_submodule(f"inception{name}")(x)
        return x
