"""Networks that turn and mirror with their picture: the result of a turned picture is the turned result, exactly.

A picture has eight positions, its four quarter turns and their mirror images, and a chain of convolutions knows them
all where its hidden channels come in eights, one feature in its eight positions: channel 8 i + g is feature i as
position g sees it. A weight then equals those that it becomes when kernel, input channel and output channel are turned
together. Such weights form an orbit, eight in a hidden kernel, and share one value: `tie` makes them start alike and
gives each the mean of their gradients, so that they stay alike. What runs is a chain like any other.

After Cohen and Welling, Group equivariant convolutional networks, 2016.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

from pellucid.errors import UsageError

POSITIONS = 8


@dataclass(frozen=True)
class Channels:
    """What a turn does to an axis of channels: it permutes eights, or the pixels of side x side blocks that a shuffle
    lays out, or leaves them where they are."""

    count: int
    eights: bool = False
    side: int = 1

    def __post_init__(self) -> None:
        if self.eights and self.count % POSITIONS:
            raise UsageError(
                "features come in eight positions", seen=f"{self.count} channels", expected="multiple of 8"
            )


def turned(x: np.ndarray, position: int, rows: int, columns: int) -> np.ndarray:
    """`x` in one of the eight positions: a quarter turn for each of 0 to 3, mirrored from 4 on."""
    x = np.rot90(x, position % 4, (rows, columns))
    return np.flip(x, rows) if position >= 4 else x


def tie(parameter: nn.Parameter, *channels: Channels) -> None:
    """Makes the weights of each orbit alike, now and in training; two last axes beside the channels are a kernel's.

    A copy of the parameter begins alike and learns freely: hooks are not copied.
    """
    orbits, which = _orbits(tuple(parameter.shape), channels)
    with torch.no_grad():
        parameter.copy_(parameter.flatten()[orbits[:, 0]][which].view(parameter.shape))

    def share(p: Tensor) -> None:
        assert p.grad is not None
        p.grad.copy_(p.grad.flatten()[orbits].mean(dim=1)[which].view(p.shape))

    parameter.register_post_accumulate_grad_hook(share)


@cache
def _orbits(shape: tuple[int, ...], channels: tuple[Channels, ...]) -> tuple[Tensor, Tensor]:
    """The weights that share a value, (orbits, 8), an index repeated where a turn leaves it in place, and each weight's
    orbit, (weights,)."""
    index = np.arange(np.prod(shape)).reshape(shape)
    ways = [_moved(index, position, channels).ravel() for position in range(POSITIONS)]
    orbits, which = np.unique(np.sort(ways, axis=0).T, axis=0, return_inverse=True)
    return torch.from_numpy(orbits), torch.from_numpy(which.ravel())


def _moved(weights: np.ndarray, position: int, channels: tuple[Channels, ...]) -> np.ndarray:
    """The weights of a layer whose input and output are turned into `position`."""
    for axis, kind in enumerate(channels):
        shape = weights.shape
        if kind.eights:
            in_eights = weights.reshape(*shape[:axis], -1, POSITIONS, *shape[axis + 1 :])
            weights = np.take(in_eights, np.argsort(_after(position)), axis + 1).reshape(shape)
        elif kind.side > 1:
            in_blocks = weights.reshape(*shape[:axis], -1, kind.side, kind.side, *shape[axis + 1 :])
            weights = turned(in_blocks, position, axis + 1, axis + 2).reshape(shape)
    return turned(weights, position, -2, -1) if weights.ndim > len(channels) else weights


@cache
def _after(position: int) -> list[int]:
    """Of each position, which one it becomes when it is turned into `position`."""
    square = np.arange(4).reshape(2, 2)
    seen = [turned(square, g, 0, 1).tobytes() for g in range(POSITIONS)]
    return [seen.index(turned(turned(square, g, 0, 1), position, 0, 1).tobytes()) for g in range(POSITIONS)]
