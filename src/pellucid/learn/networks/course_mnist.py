"""The second document's MNIST network [B13]: four 3x3 convolutions of 32 channels, two poolings, a dense layer of 512,
dropout one half; 836,522 parameters."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from pellucid.errors import UsageError


@dataclass(frozen=True)
class CourseMNISTOptions:
    classes: int = 10
    width: int = 32
    dropout: float = 0.5
    colours: int = 1
    side: int = 28  # of the pictures it takes

    def __post_init__(self) -> None:
        if self.side < 4 or self.side % 4:
            raise UsageError("recipe: network.side does not fit", seen=self.side, expected="a multiple of 4")


class CourseMNIST(nn.Module):
    def __init__(
        self, classes: int = 10, channels: int = 1, width: int = 32, dropout: float = 0.5, side: int = 28
    ) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),  # 14 x 14
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),  # 7 x 7
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(width * (side // 4) ** 2, 512),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(512, classes),
        )
        for layer in self.modules():
            if isinstance(layer, (nn.Conv2d, nn.Linear)):  # He's start [A12]: torch's own is three times weaker
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                assert layer.bias is not None
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x))  # (n, 1, 28, 28) -> (n, classes)
