"""DenseNet-121 and its kin [B7]: each layer reads all that came before it in its block (Huang et al., 2016). Key layout
as torchvision's `densenet121`."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

DEPTHS = {121: (6, 12, 24, 16), 169: (6, 12, 32, 32), 201: (6, 12, 48, 32)}


class DenseLayer(nn.Module):
    """Norm, ReLU, 1x1 bottleneck, norm, ReLU, 3x3: `growth` new channels."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, 4 * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(torch.relu(self.norm1(x)))
        return self.conv2(torch.relu(self.norm2(x)))


class DenseBlock(nn.Module):
    def __init__(self, channels: int, layers: int, growth: int) -> None:
        super().__init__()
        for i in range(layers):
            self.add_module(f"denselayer{i + 1}", DenseLayer(channels + i * growth, growth))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.children():
            x = torch.cat([x, layer(x)], 1)
        return x


class DenseNet(nn.Module):
    def __init__(self, depth: int = 121, growth: int = 32, classes: int = 1000) -> None:
        super().__init__()
        channels = 2 * growth
        stages: OrderedDict[str, nn.Module] = OrderedDict(
            conv0=nn.Conv2d(3, channels, 7, 2, 3, bias=False),  # 224 -> 112
            norm0=nn.BatchNorm2d(channels),
            relu0=nn.ReLU(inplace=True),
            pool0=nn.MaxPool2d(3, 2, 1),  # 56
        )
        for i, layers in enumerate(DEPTHS[depth], 1):
            stages[f"denseblock{i}"] = DenseBlock(channels, layers, growth)
            channels += layers * growth
            if i < len(DEPTHS[depth]):
                stages[f"transition{i}"] = _transition(channels)
                channels //= 2
        stages["norm5"] = nn.BatchNorm2d(channels)
        self.features = nn.Sequential(stages)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.features(x))  # (n, 1024, 7, 7)
        return self.classifier(x.mean((2, 3)))


def _transition(channels: int) -> nn.Sequential:
    """Halves channels, height and width between blocks."""
    return nn.Sequential(
        OrderedDict(
            norm=nn.BatchNorm2d(channels),
            relu=nn.ReLU(inplace=True),
            conv=nn.Conv2d(channels, channels // 2, 1, bias=False),
            pool=nn.AvgPool2d(2),
        )
    )
