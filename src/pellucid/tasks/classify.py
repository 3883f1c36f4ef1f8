"""Naming what a picture shows [D13]: the picture at the network's own size, and a probability for each class.

The network gives numbers of any size, one per class; the softmax that makes probabilities of them is here, so that
training and runtime share one graph. Nothing is looked for: the picture as a whole is one thing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid.errors import UsageError
from pellucid.network import Network
from pellucid.picture import Picture, to_float
from pellucid.resample import imresize

GREY = np.array([0.299, 0.587, 0.114], np.float32)
"""BT.601, as recipes make grey of colours."""


@dataclass(frozen=True)
class Classified:
    """`probabilities` sum to 1, the most probable class first; `size` (h, w) is what the picture had."""

    probabilities: dict[str, float]
    size: tuple[int, int]

    @property
    def name(self) -> str:
        return next(iter(self.probabilities))


def classify(network: Network, picture: Picture, *, invert: bool = False, threads: int | None = None) -> Classified:
    """[D13] Names a picture of any size; `invert` is for dark on light where the network learned light on dark."""
    classes = _classes(network)
    assert network.graph.size is not None
    x = prepared(picture, network.graph.size, network.graph.channels, invert)
    values = network.run(x[None], "fp32", threads).reshape(-1).astype(np.float64)
    if len(values) != len(classes):
        seen = f"{len(values)} outputs, {len(classes)} names"
        raise UsageError(f"{network.name}: classes and outputs differ in number", seen=seen)
    powers = np.exp(values - values.max())
    ranked = sorted(zip((powers / powers.sum()).tolist(), classes, strict=True), key=lambda pair: -pair[0])
    return Classified({name: probability for probability, name in ranked}, picture.pixels.shape[:2])


def prepared(picture: Picture, size: tuple[int, int], channels: int, invert: bool) -> np.ndarray:
    """What the network is shown: inverted if asked, black where transparent, squared up with black, scaled."""
    x = to_float(picture.pixels)
    if channels == 1 and x.shape[2] == 3:
        x = (x @ GREY)[..., None]
    elif x.shape[2] != channels:
        x = np.repeat(x, channels, axis=2)
    x = 1 - x if invert else x
    if picture.alpha is not None:
        x = x * to_float(picture.alpha)
    h, w, _ = x.shape
    down, across = (max(0, round(long * a / b) - short) for short, long, a, b in ((h, w, *size), (w, h, *size[::-1])))
    room = ((down // 2, down - down // 2), (across // 2, across - across // 2), (0, 0))
    x = imresize(np.pad(x, room), size=size)
    return np.ascontiguousarray(np.clip(x, 0, 1), np.float32)


def _classes(network: Network) -> tuple[str, ...]:
    if network.card.task != "classify" or not network.card.classes or network.graph.size is None:
        expected = "a model whose card has the task classify, and classes"
        raise UsageError(f"{network.name} does not name pictures", seen=network.card.task, expected=expected)
    return network.card.classes
