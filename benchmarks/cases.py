"""What is measured, as data: networks, sizes, what is run by default, and a picture-like input. Never zeros, and never
a size at which a peer is known to stumble (512 x 512 for net B, a width of 640 for net D)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from pellucid import modelfile, models


@dataclass(frozen=True)
class Case:
    """One network at one size; `precision` is what we run, and the peers are held to the same."""

    name: str
    network: Callable[[], nn.Module]
    height: int
    width: int
    channels: int = 3


@dataclass(frozen=True)
class WholeProcess:
    """Commands that make the same file, each from a cold start.

    Filled in are {source} and {target}, {python}, and the folder of its {scripts}.
    """

    name: str
    height: int
    width: int
    commands: dict[str, tuple[str, ...]]


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


def layer(kernel: int, channels: int = 64, stride: int = 1, groups: int = 1) -> nn.Module:
    """A convolution of another kind, twice, behind one that makes its channels."""
    body = [nn.Conv2d(3, channels, 3, padding=1), nn.ReLU()]
    for _ in range(2):
        body += [nn.Conv2d(channels, channels, kernel, stride, kernel // 2, groups=groups), nn.ReLU()]
    return he_weights(nn.Sequential(*body))


def resnet18() -> nn.Module:
    from pellucid.learn.networks.resnet import ResNet

    return he_weights(ResNet(18))


def vgg11() -> nn.Module:
    from pellucid.learn.networks.vgg import VGG

    return he_weights(VGG("A"))


def shipped(name: str, height: int, width: int) -> Case:
    """A model that ships, as a torch module, so that peers run what we run."""
    from pellucid.learn.inspect.as_module import AsModule

    file = modelfile.load(models.path_of(name))
    multiple = file.graph.multiple
    height, width = file.graph.size or (height // multiple * multiple, width // multiple * multiple)
    size = f"{height}x{width}"
    return Case(f"{name}-{size}", lambda: AsModule(file.graph, file.weights).eval(), height, width, file.graph.channels)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "A": lambda: chain(64, 5),
    "B": lambda: chain(64, 15, out=3, shuffle=1),
    "C": lambda: chain(32, 5),
    "D": lambda: chain(16, 3),
}

SIZES = ((360, 656), (180, 320), (512, 528), (1080, 1920))

CASES = [
    *(Case(f"{name}-{h}x{w}", net, h, w) for name, net in NETWORKS.items() for h, w in SIZES),
    Case("unet-384x480", unet, 384, 480),
    Case("1x1-180x320", lambda: layer(1), 180, 320),
    Case("5x5-180x320", lambda: layer(5, 32), 180, 320),
    Case("stride2-180x320", lambda: layer(3, stride=2), 180, 320),
    Case("depthwise-180x320", lambda: layer(3, groups=64), 180, 320),
    Case("resnet18-224x224", resnet18, 224, 224),
    Case("vgg11-224x224", vgg11, 224, 224),
    *(shipped(name, 360, 656) for name in models.names()),
]


def upscaling(name: str, model: str) -> WholeProcess:
    ours = ("{scripts}/pellucid", "upscale", "{source}", "-o", "{target}", "--overwrite", "--model", model)
    theirs = ("{python}", "benchmarks/upscale_by_torch.py", "{source}", "{target}", model)
    return WholeProcess(name, 360, 640, {"pellucid": ours, "torch": theirs})


WHOLE_PROCESSES = [
    upscaling("upscale-360x640", "superres-x3"),
    upscaling("upscale-swift-360x640", "superres-x3-swift"),
]

DEFAULT = (
    *("A-360x656", "B-180x320", "C-360x656", "D-360x656", "unet-384x480"),
    *("1x1-180x320", "5x5-180x320", "stride2-180x320", "depthwise-180x320", "resnet18-224x224", "vgg11-224x224"),
    *("superres-x3-360x656", "superres-x3-swift-360x656", "denoise-colour-360x656", "denoise-light-360x656"),
    *("digits-28x28", "streets-352x640", "upscale-360x640", "upscale-swift-360x640"),
)
"""What is run when none is named: something of each kind, with a tenth of the operations of all cases."""


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
