"""What is measured, as data: networks, sizes, and a picture-like input. Never zeros, and never a size at which a peer
is known to stumble (512 x 512 for net B, a width of 640 for net D)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn


@dataclass(frozen=True)
class Case:
    """One network at one size; `precision` is what we run, and the peers are held to the same."""

    name: str
    network: Callable[[], nn.Module]
    height: int
    width: int
    channels: int = 3


def chain(width: int, layers: int, out: int = 27, shuffle: int = 3) -> nn.Module:
    """3 -> width, `layers` x (width -> width), width -> out, all 3x3 with zero padding and ReLU, pixel shuffle."""
    modules: list[nn.Module] = [nn.Conv2d(3, width, 3, padding=1), nn.ReLU()]
    for _ in range(layers):
        modules += [nn.Conv2d(width, width, 3, padding=1), nn.ReLU()]
    modules.append(nn.Conv2d(width, out, 3, padding=1))
    if shuffle > 1:
        modules.append(nn.PixelShuffle(shuffle))
    return he_weights(nn.Sequential(*modules))


def he_weights(net: nn.Module) -> nn.Module:
    """Weights that keep activations at a sane scale through ReLU layers; biases small and not zero."""
    torch.manual_seed(0)
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.normal_(module.bias, std=0.01)
    return net.eval()


def unet() -> nn.Module:
    from pellucid.learn.networks.unet import UNet

    return he_weights(UNet(3, 11, width=32, levels=4))


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "A": lambda: chain(64, 5),
    "B": lambda: chain(64, 15, out=3, shuffle=1),
    "C": lambda: chain(32, 5),
    "D": lambda: chain(16, 3),
}

CASES = [
    *(Case(f"{name}-{h}x{w}", net, h, w) for name, net in NETWORKS.items() for h, w in ((360, 656), (180, 320))),
    Case("B-512x528", NETWORKS["B"], 512, 528),
    Case("B-1080x1920", NETWORKS["B"], 1080, 1920),
    Case("unet-384x480", unet, 384, 480),
]


def picture(height: int, width: int, channels: int = 3) -> np.ndarray:
    """(1, h, w, c) float32 in 0..1 with a photograph's kind of spectrum: noise at every scale."""
    random = np.random.default_rng(1)
    sum_ = np.zeros((height, width, channels), np.float32)
    step, weight = 64, 1.0
    while step >= 1:
        coarse = random.random((-(-height // step) + 1, -(-width // step) + 1, channels), dtype=np.float32)
        sum_ += weight * coarse.repeat(step, 0)[:height].repeat(step, 1)[:, :width]
        step, weight = step // 2, weight * 0.6
    return ((sum_ - sum_.min()) / np.ptp(sum_))[None]
