"""Forward and reverse mode on a chain of layers, and explicit Jacobians beside compact backpropagation. [A15]

A layer is a function of a vector that can push a direction forward (J v) and pull a gradient back (u J) without writing
its Jacobian J down. All ways give the same Jacobian of the chain; what differs is how many multiplications they take,
which every function here counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from pellucid.reference.window import Array


class Layer(Protocol):
    def forward(self, x: Array) -> Array: ...

    def push(self, x: Array, v: Array) -> Array:
        """J v: how the output moves when x moves by v."""

    def pull(self, x: Array, u: Array) -> Array:
        """u J: how much x moves what weighs the outputs by u."""

    def jacobian(self, x: Array) -> Array:
        """J written down: (outputs, inputs)."""

    def cost(self) -> int:
        """Multiplications of one push or pull."""


@dataclass(frozen=True)
class Linear:
    """y = W x + b; J = W. [A15]"""

    weights: Array
    bias: Array

    def forward(self, x: Array) -> Array:
        return self.weights @ x + self.bias

    def push(self, x: Array, v: Array) -> Array:
        return self.weights @ v

    def pull(self, x: Array, u: Array) -> Array:
        return u @ self.weights

    def jacobian(self, x: Array) -> Array:
        return self.weights

    def cost(self) -> int:
        return self.weights.size

    def pull_to_weights(self, x: Array, u: Array) -> Array:
        """The gradient of u y with respect to W: u x^T, where the Jacobian would hold x once for every output."""
        return np.outer(u, x)

    def jacobian_of_weights(self, x: Array) -> Array:
        """dy / dW with W as one vector: (outputs, outputs * inputs), x in every row and 0 elsewhere."""
        return np.kron(np.eye(len(self.bias)), x)


@dataclass(frozen=True)
class Tanh:
    """y = tanh x; J is diagonal, so push and pull are products of elements. [A15]"""

    size: int

    def forward(self, x: Array) -> Array:
        return np.tanh(x)

    def push(self, x: Array, v: Array) -> Array:
        return (1 - np.tanh(x) ** 2) * v

    def pull(self, x: Array, u: Array) -> Array:
        return u * (1 - np.tanh(x) ** 2)

    def jacobian(self, x: Array) -> Array:
        return np.diag(1 - np.tanh(x) ** 2)

    def cost(self) -> int:
        return self.size


def inputs_of(chain: Sequence[Layer], x: Array) -> list[Array]:
    """What each layer sees, and last what comes out."""
    seen = [x]
    for layer in chain:
        seen.append(layer.forward(seen[-1]))
    return seen


def forward_mode(chain: Sequence[Layer], x: Array) -> tuple[Array, int]:
    """[A15] The Jacobian column by column: one pass forward for every input."""
    seen, columns = inputs_of(chain, x), []
    for direction in np.eye(len(x)):
        for layer, given in zip(chain, seen, strict=False):
            direction = layer.push(given, direction)
        columns.append(direction)
    return np.stack(columns, axis=1), len(x) * sum(layer.cost() for layer in chain)


def reverse_mode(chain: Sequence[Layer], x: Array) -> tuple[Array, int]:
    """[A15] The Jacobian row by row: one pass back for every output."""
    seen, rows = inputs_of(chain, x), []
    for gradient in np.eye(len(seen[-1])):
        for layer, given in zip(reversed(chain), seen[-2::-1], strict=True):
            gradient = layer.pull(given, gradient)
        rows.append(gradient)
    return np.stack(rows), len(seen[-1]) * sum(layer.cost() for layer in chain)


def explicit(chain: Sequence[Layer], x: Array) -> tuple[Array, int]:
    """[A15] The product of all Jacobians written down, from the output's side."""
    seen, count = inputs_of(chain, x), 0
    product = np.eye(len(seen[-1]))
    for layer, given in zip(reversed(chain), seen[-2::-1], strict=True):
        j = layer.jacobian(given)
        count += len(product) * j.size
        product = product @ j
    return product, count


def by_differences(chain: Sequence[Layer], x: Array, step: float = 1e-6) -> Array:
    """The Jacobian numerically, for comparison."""
    columns = [
        (inputs_of(chain, x + step * d)[-1] - inputs_of(chain, x - step * d)[-1]) / (2 * step) for d in np.eye(len(x))
    ]
    return np.stack(columns, axis=1)
