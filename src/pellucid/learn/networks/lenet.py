"""LeNet-5 [B2]: two convolutions, two poolings, three dense layers (LeCun et al., Gradient-based learning applied to
document recognition, 1998), in the dense form of 61,706 parameters.

The 1998 network connects its second convolution sparsely (60,000 parameters); tanh and mean pooling are its own, ReLU
and max pooling what is used today.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from pellucid.errors import UsageError


@dataclass(frozen=True)
class LeNet5Options:
    classes: int = 10
    modern: bool = False
    colours: int = 1
    side: int = 28  # of the pictures it takes

    def __post_init__(self) -> None:
        if self.side < 12 or self.side % 4:
            raise UsageError("recipe: network.side does not fit", seen=self.side, expected="a multiple of 4, from 12")


class LeNet5(nn.Module):
    def __init__(self, classes: int = 10, channels: int = 1, modern: bool = False, side: int = 28) -> None:
        super().__init__()
        activation: type[nn.Module] = nn.ReLU if modern else nn.Tanh
        pool: type[nn.Module] = nn.MaxPool2d if modern else nn.AvgPool2d
        self.features = nn.Sequential(
            nn.Conv2d(channels, 6, 5, padding=2),  # 28 x 28
            activation(),
            pool(2),  # 14 x 14
            nn.Conv2d(6, 16, 5),  # 10 x 10
            activation(),
            pool(2),  # 5 x 5
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(16 * (side // 4 - 2) ** 2, 120),
            activation(),
            nn.Linear(120, 84),
            activation(),
            nn.Linear(84, classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x))  # (n, 1, 28, 28) -> (n, classes)
