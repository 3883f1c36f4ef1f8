"""ResNet [B6]: layers that learn a residual (He et al., 2015), 18 to 152 deep. Key layout as torchvision's
`resnet18` to `resnet152`: the stride of a bottleneck sits in its 3x3 convolution ("v1.5")."""

from __future__ import annotations

from torch import Tensor, nn

DEPTHS: dict[int, tuple[bool, tuple[int, int, int, int]]] = {  # depth -> (bottleneck, blocks of each stage)
    18: (False, (2, 2, 2, 2)),
    34: (False, (3, 4, 6, 3)),
    50: (True, (3, 4, 6, 3)),
    101: (True, (3, 4, 23, 3)),
    152: (True, (3, 8, 36, 3)),
}


class Basic(nn.Module):
    """Two 3x3 convolutions and the way around them."""

    expansion = 1

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _way_around(channels, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        around = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(y)) + around)


class Bottleneck(nn.Module):
    """1x1 down, 3x3, 1x1 up to four times the width, and the way around them."""

    expansion = 4

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _way_around(channels, 4 * width, stride)

    def forward(self, x: Tensor) -> Tensor:
        around = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        return self.relu(self.bn3(self.conv3(y)) + around)


class ResNet(nn.Module):
    def __init__(self, depth: int = 18, classes: int = 1000) -> None:
        super().__init__()
        bottleneck, blocks = DEPTHS[depth]
        block: type[Basic] | type[Bottleneck] = Bottleneck if bottleneck else Basic
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)  # 224 -> 112
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)  # 56
        self.layer1 = _stage(block, 64, 64, blocks[0], 1)
        self.layer2 = _stage(block, 64 * block.expansion, 128, blocks[1], 2)  # 28
        self.layer3 = _stage(block, 128 * block.expansion, 256, blocks[2], 2)  # 14
        self.layer4 = _stage(block, 256 * block.expansion, 512, blocks[3], 2)  # 7
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(512 * block.expansion, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))


def _stage(block: type[Basic] | type[Bottleneck], channels: int, width: int, count: int, stride: int) -> nn.Sequential:
    first = block(channels, width, stride)
    return nn.Sequential(first, *(block(width * block.expansion, width, 1) for _ in range(count - 1)))


def _way_around(channels: int, out: int, stride: int) -> nn.Sequential | None:
    """A 1x1 convolution where shapes differ, nothing where they agree."""
    if stride == 1 and channels == out:
        return None
    return nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))
