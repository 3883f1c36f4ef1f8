"""`accelerate(module)`: the same module and the same parameters, its convolutions on the engine.

Nothing is copied or renamed: a convolution of torch's own class becomes `layers.convolution.Conv2d`, a `Sequential`
that holds a run of convolutions and activations becomes a `ConvolutionChain`. Saved weights, optimisers that hold the
parameters, deepcopy and export are as before.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn
from torch.nn.modules.conv import _ConvNd

from pellucid.learn.layers.collapsible import CollapsibleConv2d
from pellucid.learn.layers.convolution import CollapsibleConv2dOnEngine, Conv2d, ConvolutionChain, kind_of, why_not
from pellucid.learn.layers.convolutions import runs_of

FASTER: dict[type, type] = {nn.Conv2d: Conv2d, CollapsibleConv2d: CollapsibleConv2dOnEngine}


@dataclass(frozen=True)
class Acceleration:
    """What was done to a module: layer names, and why a convolution was left to torch."""

    convolutions: tuple[str, ...]
    chains: tuple[str, ...]
    left: tuple[tuple[str, str], ...]  # name, reason

    def __str__(self) -> str:
        lines = [f"{len(self.convolutions)} convolutions on the engine, {len(self.chains)} chains"]
        return "\n".join([*lines, *(f"{name or 'the module'} stays on torch: {reason}" for name, reason in self.left)])


def accelerate(module: nn.Module) -> Acceleration:
    """Puts the convolutions of `module`, itself included, on the engine, in place."""
    taken, left = [], []
    for name, layer in module.named_modules():
        if isinstance(layer, _ConvNd) and type(layer) not in FASTER.values():
            reason = _why_not(layer)
            if reason is None:
                layer.__class__ = FASTER[type(layer)]
                taken.append(name)
            else:
                left.append((name, reason))
    chains = [name for name, layer in module.named_modules() if type(layer) is nn.Sequential and _has_runs(layer)]
    for name in chains:
        module.get_submodule(name).__class__ = ConvolutionChain
    return Acceleration(tuple(taken), tuple(chains), tuple(left))


def _why_not(layer: _ConvNd) -> str | None:
    if isinstance(layer, nn.Conv2d) and type(layer) in FASTER:
        return why_not(layer)
    return f"it is a {type(layer).__name__}, the engine trains torch.nn.Conv2d"


def _has_runs(layers: nn.Sequential) -> bool:
    return any(end - begin > 1 for begin, end in runs_of([kind_of(layer) for layer in layers]))
