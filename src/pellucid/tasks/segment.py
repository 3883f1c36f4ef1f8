"""A class for every pixel of picture files [D14]: shares and probabilities, and the classes laid over the picture.

Networks know things at the size at which they learned them, so a large picture is first scaled down to `side`; the
classes are then enlarged to the picture's own size and laid over its rows as they are read a second time. A picture
that is smaller stays as it is. It finds regions, not objects: two cars side by side are one region.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np

from pellucid.errors import UsageError
from pellucid.network import Network
from pellucid.picture import PictureInfo, RowReader, open_reader, open_writer, to_float
from pellucid.resample import RowResampler
from pellucid.tasks.legend import dot_for, legend
from pellucid.tasks.rows import BLOCK, Options, Rows, ahead, memory_for, to_channels, visible_rows

SIDE = 360
"""The shorter side of the frames that streets were learned from."""

PALETTE = np.array(
    [
        [162, 250, 238], [191, 166, 151], [15, 29, 15], [96, 81, 119], [246, 139, 234], [122, 47, 15],
        [218, 249, 22], [131, 23, 167], [57, 37, 248], [250, 19, 84], [250, 125, 45],
    ],
    np.float32,
) / np.float32(255)  # fmt: skip
"""Eleven colours searched for so that those who lack one kind of cone still tell any two apart; then they repeat."""


@dataclass(frozen=True)
class Look:
    """How much of the colour is the class's, whether a legend is drawn below; or the classes' numbers alone."""

    opacity: float = 0.5
    legend: bool = True
    labels: bool = False
    side: int = SIDE

    def __post_init__(self) -> None:
        if not 0 <= self.opacity <= 1:
            raise UsageError("no such opacity", seen=self.opacity, expected="0 (the picture) to 1 (the classes)")
        if self.side < 1:
            raise UsageError("no picture has this side", seen=self.side, expected="1 pixel or more")


@dataclass(frozen=True)
class Found:
    """One class in one picture: its share of the pixels, and the mean probability where it was named."""

    share: float
    probability: float


@dataclass(frozen=True)
class Segmented:
    """`probabilities` (h, w, classes) at the size the network saw; `size` (h, w) is the picture's own."""

    probabilities: np.ndarray
    classes: tuple[str, ...]
    size: tuple[int, int]

    @property
    def labels(self) -> np.ndarray:
        """The most probable class of each pixel, at the size the network saw. (h, w) uint8"""
        return self.probabilities.argmax(axis=2).astype(np.uint8)

    def found(self) -> dict[str, Found]:
        """Every class, in the card's order."""
        labels = self.labels
        best = self.probabilities.max(axis=2)
        result = {}
        for k, name in enumerate(self.classes):
            named = labels == k
            result[name] = Found(float(named.mean()), float(best[named].mean()) if named.any() else 0.0)
        return result


def segment_file(
    network: Network,
    source: Callable[[], str | BinaryIO],
    target: str | BinaryIO,
    options: Options,
    look: Look,
    advanced: Callable[[int, int], None] = lambda rows, of: None,
) -> tuple[Segmented, list[str]]:
    """Finds the classes of one picture and writes them over it; `source` is opened twice. With notes of the writer."""
    with open_reader(source(), max_pixels=options.max_pixels) as reader:
        segmented = segment(network, reader, options, look.side)
        format = options.format or (None if isinstance(target, str) else reader.info.format)
    with open_reader(source(), max_pixels=options.max_pixels) as reader:
        below = _legend(segmented, look)
        info = _target_info(reader.info, look, len(below))
        with open_writer(target, info, format=format, quality=options.quality, overwrite=options.overwrite) as writer:
            written = 0
            for pixels, alpha in ahead(_painted(segmented, reader, look, below)):
                writer.write(pixels, alpha)
                written += len(pixels)
                advanced(written, info.height)
        return segmented, writer.notes


def segment(network: Network, reader: RowReader, options: Options, side: int = SIDE) -> Segmented:
    """[D14] The classes of a picture, whose shorter side the network sees with at most `side` pixels."""
    classes, info = classes_of(network), reader.info
    shrunk = RowResampler(info.height, info.width, min(1.0, side / min(info.height, info.width)))
    rows = [shrunk.push(to_channels(colour, network.graph.channels)) for colour, _ in visible_rows(reader)]
    x = np.clip(np.concatenate([*rows, shrunk.finish()]), 0, 1)
    memory = memory_for(network, x.shape[0], x.shape[1], options)
    values = network.run(np.ascontiguousarray(x[None]), options.precision, options.threads, memory)[0]
    return Segmented(softmax(values), classes, (info.height, info.width))


def classes_of(network: Network) -> tuple[str, ...]:
    """The names of a segmenting model's outputs."""
    classes = network.card.classes
    if network.card.task != "segment" or not classes:
        expected = "a model whose card has the task segment, and classes"
        raise UsageError(f"{network.name} does not segment pictures", seen=network.card.task, expected=expected)
    outputs = network.output_shape(64, 64)[2]
    if outputs != len(classes):
        seen = f"{outputs} outputs, {len(classes)} names"
        raise UsageError(f"{network.name}: classes and outputs differ in number", seen=seen)
    return classes


def softmax(values: np.ndarray) -> np.ndarray:
    """Over the last axis."""
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def labels_of_rows(segmented: Segmented, first: int, last: int) -> np.ndarray:
    """Classes of the picture's own rows, by interpolated probabilities. -> (last - first, w) uint8"""
    h, w, _ = segmented.probabilities.shape
    if (h, w) == segmented.size:
        return segmented.probabilities[first:last].argmax(axis=2).astype(np.uint8)
    y0, y1, v = _between(np.arange(first, last), h, segmented.size[0])
    x0, x1, u = _between(np.arange(segmented.size[1]), w, segmented.size[1])
    p = segmented.probabilities
    rows = p[y0] * (1 - v)[:, None, None] + p[y1] * v[:, None, None]  # (k, w, classes)
    return (rows[:, x0] * (1 - u)[:, None] + rows[:, x1] * u[:, None]).argmax(axis=2).astype(np.uint8)


def colours(count: int) -> np.ndarray:
    """(count, 3): a colour for each class."""
    return PALETTE[np.arange(count) % len(PALETTE)]


def _between(places: np.ndarray, n: int, of: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The two of n values beside each place of `of`, and how far it is from the first to the second."""
    at = np.clip((places + 0.5) * n / of - 0.5, 0, n - 1)
    first = np.floor(at).astype(np.int64)
    return first, np.minimum(first + 1, n - 1), (at - first).astype(np.float32)


def _painted(segmented: Segmented, reader: RowReader, look: Look, below: np.ndarray) -> Iterator[Rows]:
    palette, done = colours(len(segmented.classes)), 0
    for pixels, alpha in reader.rows(BLOCK):
        labels = labels_of_rows(segmented, done, done + len(pixels))
        done += len(pixels)
        if look.labels:
            yield labels[..., None], None
            continue
        rows = to_channels(to_float(pixels), 3)
        yield rows + np.float32(look.opacity) * (palette[labels] - rows), None if alpha is None else to_float(alpha)
    for rows in np.split(below, range(BLOCK, len(below), BLOCK)) if len(below) else ():
        yield rows, np.ones((*rows.shape[:2], 1), np.float32) if reader.info.has_alpha else None


def _legend(segmented: Segmented, look: Look) -> np.ndarray:
    """The rows below the picture: the classes that are in it."""
    if look.labels or not look.legend:
        return np.empty((0, segmented.size[1], 3), np.float32)
    entries = [
        (colour, f"{name} {_percent(found.share)}")
        for colour, (name, found) in zip(colours(len(segmented.classes)), segmented.found().items(), strict=True)
        if found.share
    ]
    return legend(entries, segmented.size[1], dot_for(*segmented.size))


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.005 else "<1%"


def _target_info(info: PictureInfo, look: Look, below: int) -> PictureInfo:
    """A grey picture becomes one of colours; numbers of classes are no colours and have no profile."""
    if look.labels:
        return PictureInfo(info.height, info.width, 1)
    profile = info.profile if info.channels == 3 else None
    return replace(info, height=info.height + below, channels=3, profile=profile)
