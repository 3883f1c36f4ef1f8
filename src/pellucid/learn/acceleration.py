"""`accelerate(module)`: the same module and the same parameters, its convolutions on the engine.

Nothing is copied or renamed: a convolution of torch's own class becomes `layers.convolution.Conv2d`, a `Sequential`
that holds a run of convolutions and activations becomes a `ConvolutionChain`. Saved weights, optimisers that hold the
parameters, deepcopy and export are as before.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from pellucid.learn.layers import on_tiles
from pellucid.learn.layers.collapsible import CollapsibleConv2d
from pellucid.learn.layers.convolution import (
    CollapsibleConv2dOnEngine,
    Conv2d,
    ConvolutionChain,
    Way,
    kind_of,
    why_not,
)
from pellucid.learn.layers.convolutions import runs_of

FASTER: dict[type, type] = {nn.Conv2d: Conv2d, CollapsibleConv2d: CollapsibleConv2dOnEngine}


@dataclass(frozen=True)
class Acceleration:
    """What was done to a module: layer names, and why something was left to torch."""

    convolutions: tuple[str, ...]
    chains: tuple[str, ...]
    left: tuple[tuple[str, str], ...]  # name, reason
    apart: tuple[tuple[str, str], ...] = ()  # a sequence whose convolutions stay single operations, reason
    off_tiles: tuple[str, ...] = ()  # of the convolutions, those that matrix tiles do not take

    def __str__(self) -> str:
        lines = [f"{_count(self.convolutions, 'convolution')} on the engine, {_count(self.chains, 'chain')}"]
        lines += [f"{_words(name)} stays on torch: {reason}" for name, reason in self.left]
        lines += [f"{_words(name)} is no chain: {reason}" for name, reason in self.apart]
        return "\n".join([*lines, *self._under_autocast()])

    def _under_autocast(self) -> list[str]:
        if not self.convolutions:
            return []
        if not on_tiles.present():
            return [
                "under autocast every convolution is torch's: without matrix tiles the engine trains in float32 alone"
            ]
        if not self.off_tiles:
            return []
        every = len(self.off_tiles) == len(self.convolutions)
        which = "every convolution is torch's" if every else f"torch's are {', '.join(map(_words, self.off_tiles))}"
        takes = "matrix tiles take those of 3x3 and 1x1 in one group that keep the size of their map"
        return [f"under bfloat16 autocast {which}: {takes}"]


def accelerate(module: nn.Module) -> Acceleration:
    """Puts the convolutions of `module`, itself included, on the engine, in place."""
    taken, left = [], []
    for name, layer in module.named_modules():
        reason = _why_not(layer)
        if reason is not None:
            left.append((name, reason))
        elif type(layer) in FASTER:
            layer.__class__ = FASTER[type(layer)]
            taken.append(name)
    sequences = [(name, s) for name, s in module.named_modules() if isinstance(s, nn.Sequential) and _has_runs(s)]
    chains = [name for name, layer in sequences if type(layer) is nn.Sequential]
    for name in chains:
        module.get_submodule(name).__class__ = ConvolutionChain
    apart = [
        (name, f"it is a {type(layer).__name__}, and a subclass of Sequential may go another way through its layers")
        for name, layer in sequences
        if not isinstance(layer, ConvolutionChain)
    ]
    off_tiles = [name for name in taken if kind_of(module.get_submodule(name), Way.TILES) != "conv"]
    return Acceleration(tuple(taken), tuple(chains), tuple(left), tuple(apart), tuple(off_tiles))


def _why_not(layer: nn.Module) -> str | None:
    """What keeps a layer on torch; None for those that the engine takes or that are no convolutions."""
    if isinstance(layer, torch.jit.ScriptModule):
        return _why_not_scripted(layer)
    if not isinstance(layer, _ConvNd) or type(layer) in FASTER.values():
        return None
    if not isinstance(layer, nn.Conv2d) or type(layer) not in FASTER:
        return f"it is a {type(layer).__name__}, the engine trains torch.nn.Conv2d"
    if layer.weight.dtype != torch.float32:
        return f"its weights are {layer.weight.dtype}, the engine trains float32"
    if layer.weight.device.type not in ("cpu", "meta"):
        return f"its weights are on {layer.weight.device}, the engine trains on the processor"
    if layer.groups == layer.in_channels > 1:
        return "it is depthwise, which torch trains two to three times as fast as the engine"
    return why_not(layer)


def _why_not_scripted(layer: torch.jit.ScriptModule) -> str | None:
    """TorchScript has its own copy of every layer, no longer of a convolution's class. It takes no operators like ours,
    so the other way round it does not go either."""
    kind = getattr(layer, "original_name", "")
    return (
        f"TorchScript computes a {kind} by itself, accelerate the module it was made from" if "Conv" in kind else None
    )


def _has_runs(layers: nn.Sequential) -> bool:
    return any(end - begin > 1 for begin, end in runs_of([kind_of(layer) for layer in layers]))


def _count(names: tuple[str, ...], kind: str) -> str:
    return f"{len(names)} {kind}{'' if len(names) == 1 else 's'}"


def _words(name: str) -> str:
    return name or "the module"
