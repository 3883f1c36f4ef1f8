"""VGG [B4]: depth from small kernels (Simonyan and Zisserman, 2014). Key layout as torchvision's `vgg11` to `vgg19_bn`.

A number is a 3x3 convolution with so many channels, "1x256" a 1x1 one, "M" a pooling, "L" a local response
normalisation.
"""

from __future__ import annotations

from torch import Tensor, nn

A = "64 M 128 M 256 256 M 512 512 M 512 512 M"
PLANS = {
    "A": A,
    "A-LRN": A.replace("64 M", "64 L M", 1),
    "B": "64 64 M 128 128 M 256 256 M 512 512 M 512 512 M",
    "C": "64 64 M 128 128 M 256 256 1x256 M 512 512 1x512 M 512 512 1x512 M",
    "D": "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M",
    "E": "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M",
}


class VGG(nn.Module):
    def __init__(self, plan: str = "D", classes: int = 1000, batch_norm: bool = False, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = _features(PLANS[plan], batch_norm)
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(4096, classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.features(x))  # (n, 3, 224, 224) -> (n, 512, 7, 7)
        return self.classifier(x.flatten(1))


def _features(plan: str, batch_norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    channels = 3
    for word in plan.split():
        if word == "M":
            layers.append(nn.MaxPool2d(2))
        elif word == "L":
            layers.append(nn.LocalResponseNorm(5))
        else:
            kernel, out = (1, int(word[2:])) if word.startswith("1x") else (3, int(word))
            layers.append(nn.Conv2d(channels, out, kernel, padding=kernel // 2))
            if batch_norm:
                layers.append(nn.BatchNorm2d(out))
            layers.append(nn.ReLU(inplace=True))
            channels = out
    return nn.Sequential(*layers)
