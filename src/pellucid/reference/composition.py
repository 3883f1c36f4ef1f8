"""How layers become a graph: one after another, branches that meet in a sum or side by side, a way around. [A14]

A branch copies forward and adds backward; a sum adds forward and copies backward; side by side cuts backward where it
joined forward. Each composition is a layer itself, so they nest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from pellucid.reference.window import Array


class Layer(Protocol):
    """`backward` gives the gradient with respect to the input of the last `forward`."""

    def forward(self, x: Array) -> Array: ...

    def backward(self, dy: Array) -> Array: ...


@dataclass
class InSequence:
    """f_L(... f_1(x)): backward in the opposite order. [A14]"""

    layers: Sequence[Layer]

    def forward(self, x: Array) -> Array:
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dy: Array) -> Array:
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy


@dataclass
class Identity:
    """The way around: what is added to a residual, or set beside it as a skip connection. [A14]"""

    def forward(self, x: Array) -> Array:
        return x

    def backward(self, dy: Array) -> Array:
        return dy


@dataclass
class Sum:
    """The input copied to every path, the paths' outputs added; backward the other way round. [A14]

    `Sum([layer, Identity()])` is a residual block: y = F(x) + x.
    """

    paths: Sequence[Layer]

    def forward(self, x: Array) -> Array:
        return np.sum([path.forward(x) for path in self.paths], axis=0)

    def backward(self, dy: Array) -> Array:
        return np.sum([path.backward(dy) for path in self.paths], axis=0)


@dataclass
class Concatenation:
    """The input copied to every path, the paths' outputs side by side along the last axis, the channels. [A14]"""

    paths: Sequence[Layer]
    _ends: list[int] = field(default_factory=list)

    def forward(self, x: Array) -> Array:
        parts = [path.forward(x) for path in self.paths]
        self._ends = list(np.cumsum([part.shape[-1] for part in parts])[:-1])
        return np.concatenate(parts, axis=-1)

    def backward(self, dy: Array) -> Array:
        parts = np.split(dy, self._ends, axis=-1)
        return np.sum([path.backward(part) for path, part in zip(self.paths, parts, strict=True)], axis=0)
