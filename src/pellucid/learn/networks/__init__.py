"""The networks that recipes name: one explicit registry, name -> options and what builds them.

A family is one file: a docstring with its paper, a frozen dataclass of options, a module that is built from it. The
options `scale` and `colours` are filled in from the recipe, which states them once. The documents' classifiers and
segmenters beside them are built directly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from pellucid.errors import unknown_name
from pellucid.learn.networks.chain import Chain, ChainOptions
from pellucid.learn.networks.espcn import Espcn, EspcnOptions
from pellucid.learn.networks.fsrcnn import Fsrcnn, FsrcnnOptions
from pellucid.learn.networks.plain import Plain, PlainOptions


@dataclass(frozen=True)
class Family:
    options: type
    build: Callable[[Any], nn.Module]


NETWORKS: dict[str, Family] = {}
"""Every network by the name that recipes use."""


def register(name: str, options: type, build: Callable[[Any], nn.Module]) -> None:
    """Adds a network; a name that is taken is a programming error."""
    if name in NETWORKS:
        raise ValueError(f"two networks are called {name!r}")
    NETWORKS[name] = Family(options, build)


register("chain", ChainOptions, Chain)
register("plain", PlainOptions, Plain)
register("espcn", EspcnOptions, Espcn)
register("fsrcnn", FsrcnnOptions, Fsrcnn)


def build_network(name: str, options: Any = None) -> nn.Module:
    """The network of this name, with its weights drawn from torch's random generator."""
    if name not in NETWORKS:
        raise unknown_name("network", name, list(NETWORKS))
    family = NETWORKS[name]
    return family.build(family.options() if options is None else options)
