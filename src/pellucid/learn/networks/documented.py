"""The documents' networks [B1 to B13] as named variants: what builds each, and the size of input it was described for.

Names are fixed; options beside those here are the modules' own arguments. The recipes' networks are in the registry of
`pellucid.learn.networks`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import nn

from pellucid.errors import unknown_name
from pellucid.learn.networks.alexnet import AlexNet
from pellucid.learn.networks.course_mnist import CourseMNIST
from pellucid.learn.networks.densenet import DenseNet
from pellucid.learn.networks.googlenet import GoogLeNet
from pellucid.learn.networks.lenet import LeNet5
from pellucid.learn.networks.perceptron import MLP, Autoencoder
from pellucid.learn.networks.random_wired import RandomWired
from pellucid.learn.networks.resnet import DEPTHS, ResNet
from pellucid.learn.networks.segnet import BASIC, SegNet
from pellucid.learn.networks.unet import SlimUNet, UNet
from pellucid.learn.networks.vgg import PLANS, VGG

PHOTO, DIGIT, STREET = (3, 224, 224), (1, 28, 28), (3, 352, 480)


@dataclass(frozen=True)
class Documented:
    """`size` is (c, h, w) of the input; `row` is the specification's."""

    build: Callable[..., nn.Module]
    size: tuple[int, int, int]
    row: str


DOCUMENTED: dict[str, Documented] = {
    "perceptron": Documented(partial(MLP, (784, 10)), DIGIT, "B1"),
    "mlp": Documented(partial(MLP, (784, 256, 128, 10)), DIGIT, "B1"),
    "lenet5": Documented(LeNet5, DIGIT, "B2"),
    "lenet5-modern": Documented(partial(LeNet5, modern=True), DIGIT, "B2"),
    "alexnet": Documented(AlexNet, PHOTO, "B3"),
    "alexnet-two-towers": Documented(partial(AlexNet, two_towers=True), PHOTO, "B3"),
    **{f"vgg-{plan.lower()}": Documented(partial(VGG, plan), PHOTO, "B4") for plan in PLANS},
    **{f"vgg-{p.lower()}-norm": Documented(partial(VGG, p, batch_norm=True), PHOTO, "B4") for p in "ABDE"},
    "googlenet": Documented(GoogLeNet, PHOTO, "B5"),
    **{f"resnet{depth}": Documented(partial(ResNet, depth), PHOTO, "B6") for depth in DEPTHS},
    "densenet121": Documented(DenseNet, PHOTO, "B7"),
    "random-wired": Documented(RandomWired, (3, 32, 32), "B8"),
    "autoencoder": Documented(Autoencoder, DIGIT, "B9"),
    "unet": Documented(UNet, (1, 512, 512), "B10"),
    "unet-slim": Documented(SlimUNet, STREET, "B10"),
    "segnet": Documented(SegNet, STREET, "B11"),
    "segnet-basic": Documented(partial(SegNet, levels=BASIC, kernel=7), STREET, "B11"),
    "selu-mlp": Documented(partial(MLP, (784, *[256] * 8, 10), "selu"), DIGIT, "B12"),
    "course-mnist": Documented(CourseMNIST, DIGIT, "B13"),
}
"""Every documented network by its name, with random weights; torchvision's key layout where its file says so."""


def documented(name: str) -> Documented:
    if name not in DOCUMENTED:
        raise unknown_name("network", name, list(DOCUMENTED))
    return DOCUMENTED[name]
