"""AlexNet [B3]: the network that won ILSVRC 2012 (Krizhevsky, Sutskever, Hinton).

`two_towers` is the paper's: channels split over two processors (groups), local response normalisation, overlapping
pooling. The single tower is Krizhevsky's later form ("One weird trick", 2014), 61,100,840 parameters, and has the key
layout of torchvision's `alexnet`.
"""

from __future__ import annotations

from torch import Tensor, nn


class AlexNet(nn.Module):
    def __init__(self, classes: int = 1000, two_towers: bool = False, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = _two_towers() if two_towers else _one_tower()
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Linear(4096, classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.features(x))  # (n, 3, 224, 224) -> (n, 256, 6, 6)
        return self.classifier(x.flatten(1))


def _one_tower() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, stride=4, padding=2),  # 224 -> 55
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2),  # 27
        nn.Conv2d(64, 192, 5, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2),  # 13
        nn.Conv2d(192, 384, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(384, 256, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(256, 256, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2),  # 6
    )


def _two_towers() -> nn.Sequential:
    def normalise() -> nn.Module:  # the paper's constants
        return nn.LocalResponseNorm(5, alpha=1e-4 * 5, beta=0.75, k=2)

    return nn.Sequential(
        nn.Conv2d(3, 96, 11, stride=4, padding=2),
        nn.ReLU(inplace=True),
        normalise(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(96, 256, 5, padding=2, groups=2),
        nn.ReLU(inplace=True),
        normalise(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(256, 384, 3, padding=1),  # the one layer in which the towers meet
        nn.ReLU(inplace=True),
        nn.Conv2d(384, 384, 3, padding=1, groups=2),
        nn.ReLU(inplace=True),
        nn.Conv2d(384, 256, 3, padding=1, groups=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2),
    )
