"""The networks that recipes name: one explicit registry, name -> options and what builds them.

A family is one file: a docstring with its paper, a frozen dataclass of options, a module that is built from it. The
options `scale` and `colours` are filled in from the recipe, which states them once. Networks that name pictures have a
registry of their own. The documents' other classifiers and segmenters are built directly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from pellucid.errors import unknown_name
from pellucid.learn.networks.chain import Chain, ChainOptions
from pellucid.learn.networks.course_mnist import CourseMNIST, CourseMNISTOptions
from pellucid.learn.networks.denoiser import Denoiser, DenoiserOptions
from pellucid.learn.networks.dncnn import DnCnn, DnCnnOptions
from pellucid.learn.networks.espcn import Espcn, EspcnOptions
from pellucid.learn.networks.fsrcnn import Fsrcnn, FsrcnnOptions
from pellucid.learn.networks.lenet import LeNet5, LeNet5Options
from pellucid.learn.networks.plain import Plain, PlainOptions
from pellucid.learn.networks.segnet import BASIC, FULL, SegNet, SegNetOptions
from pellucid.learn.networks.unet import SlimUNet, SlimUNetOptions


@dataclass(frozen=True)
class Family:
    options: type
    build: Callable[[Any], nn.Module]


NETWORKS: dict[str, Family] = {}
"""Every network from pictures to pictures, by the name that recipes use."""


def register(name: str, options: type, build: Callable[[Any], nn.Module]) -> None:
    """Adds a network; a name that is taken is a programming error."""
    if name in NETWORKS:
        raise ValueError(f"two networks are called {name!r}")
    NETWORKS[name] = Family(options, build)


register("chain", ChainOptions, Chain)
register("plain", PlainOptions, Plain)
register("espcn", EspcnOptions, Espcn)
register("fsrcnn", FsrcnnOptions, Fsrcnn)

DENOISERS: dict[str, Family] = {
    "denoiser": Family(DenoiserOptions, Denoiser),
    "dncnn": Family(DnCnnOptions, DnCnn),
}
"""Every network from noisy pictures to clean ones, by the name that recipes use. Those whose options say so take the
noise level as one more channel."""

CLASSIFIERS: dict[str, Family] = {
    "course-mnist": Family(CourseMNISTOptions, lambda o: CourseMNIST(o.classes, o.colours, o.width, o.dropout, o.side)),
    "lenet5": Family(LeNet5Options, lambda o: LeNet5(o.classes, o.colours, o.modern, o.side)),
}
"""Every network from pictures to classes, by the name that recipes use."""

SEGMENTERS: dict[str, Family] = {
    "unet": Family(SlimUNetOptions, lambda o: SlimUNet(o.colours, o.classes, o.width)),
    "segnet": Family(
        SegNetOptions,
        lambda o: SegNet(o.colours, o.classes, BASIC, 7) if o.basic else SegNet(o.colours, o.classes, FULL),
    ),
}
"""Every network from pictures to a class for each pixel, by the name that recipes use: sizes for a processor."""


def all_families() -> dict[str, Family]:
    return NETWORKS | DENOISERS | CLASSIFIERS | SEGMENTERS


def build_network(name: str, options: Any = None) -> nn.Module:
    """The network of this name, with its weights drawn from torch's random generator."""
    families = all_families()
    if name not in families:
        raise unknown_name("network", name, list(families))
    family = families[name]
    return family.build(family.options() if options is None else options)
