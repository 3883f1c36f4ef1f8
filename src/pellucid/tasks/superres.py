"""Super-resolution of picture files [C5, D1]: rows from the reader through the network to the writer.

Whatever the picture's size, only the rows that the network still needs are in memory. Depth, profile, EXIF and grey or
colour stay what they were. Alpha is enlarged by an ordinary bicubic filter, and the colour under transparent pixels is
filled from visible neighbours first, so that it cannot bleed into the edge.
"""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np

from pellucid.errors import UsageError
from pellucid.network import Network
from pellucid.picture import DEFAULT_MAX_PIXELS, PictureInfo, RowReader, open_reader, open_writer, to_float
from pellucid.resample import RowResampler
from pellucid.transparency import fill_transparent

BLOCK = 32
"""Rows read, computed and written at a time."""

Rows = tuple[np.ndarray, np.ndarray | None]
"""Colour (k, w, c) and alpha (k, w, 1) of some rows, float32 in 0..1."""


@dataclass(frozen=True)
class Options:
    """How files are enlarged, the same for every file of a batch."""

    precision: str = "auto"
    threads: int | None = None
    memory: int | None = None
    max_pixels: int = DEFAULT_MAX_PIXELS
    format: str | None = None
    quality: int | None = None
    overwrite: bool = False


def upscale_file(
    network: Network,
    source: str | BinaryIO,
    target: str | BinaryIO,
    options: Options,
    advanced: Callable[[int, int], None] = lambda rows, of: None,
) -> list[str]:
    """Enlarges one picture; returns notes on what the target's format could not keep.

    `advanced(rows, of)` is called as rows of the result are written.
    """
    scale = scale_of(network)
    with open_reader(source, max_pixels=options.max_pixels) as reader:
        info = reader.info
        larger = replace(info, height=scale * info.height, width=scale * info.width)
        format = options.format or (None if isinstance(target, str) else info.format)
        network.plan(info.height, info.width, options.precision, options.threads, options.memory)  # refuses early
        with open_writer(target, larger, format=format, quality=options.quality, overwrite=options.overwrite) as writer:
            written = 0
            for colour, alpha in _ahead(_enlarged(network, reader, scale, options)):
                writer.write(colour, alpha)
                written += len(colour)
                advanced(written, larger.height)
        return writer.notes


def scale_of(network: Network) -> int:
    """The factor by which a super-resolution model enlarges."""
    scale = network.card.scale
    if network.card.task != "superres" or not scale:
        raise UsageError(f"{network.name} does not enlarge pictures", seen=f"a model for {network.card.task}")
    return scale


def _enlarged(network: Network, reader: RowReader, scale: int, options: Options) -> Iterator[Rows]:
    info = reader.info
    alphas: list[np.ndarray] = []
    resampler = RowResampler(info.height, info.width, scale) if info.has_alpha else None

    def colours() -> Iterator[np.ndarray]:
        for colour, alpha in _visible(_read(reader)):
            if resampler is not None and alpha is not None:
                alphas.append(resampler.push(alpha))
            yield _to_channels(colour, max(network.graph.channels, colour.shape[2]))
        if resampler is not None:
            alphas.append(resampler.finish())

    waiting = np.empty((0, scale * info.width, 1), np.float32)
    for rows in _through(network, colours(), info, options):
        colour = _to_channels(rows, info.channels)
        if resampler is None:
            yield colour, None
            continue
        waiting = np.concatenate([waiting, *alphas])
        alphas.clear()
        yield colour, np.clip(waiting[: len(colour)], 0, 1)
        waiting = waiting[len(colour) :]


def _through(
    network: Network, blocks: Iterator[np.ndarray], info: PictureInfo, options: Options
) -> Iterator[np.ndarray]:
    """Rows through the network; through one that knows one channel, the channels of a colour picture side by side."""

    def stream(rows: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        return network.stream_blocks(rows, info.width, info.height, options.precision, options.threads, options.memory)

    if network.graph.channels != 1 or info.channels == 1:
        yield from stream(blocks)
        return
    planes = [stream(_plane(copy, c)) for c, copy in enumerate(itertools.tee(blocks, info.channels))]
    for rows in zip(*planes, strict=True):
        yield np.concatenate(rows, axis=2)


def _plane(blocks: Iterator[np.ndarray], c: int) -> Iterator[np.ndarray]:
    for block in blocks:
        yield block[:, :, c : c + 1]


def _read(reader: RowReader) -> Iterator[Rows]:
    for pixels, alpha in reader.rows(BLOCK):
        yield to_float(pixels), None if alpha is None else to_float(alpha)


def _visible(blocks: Iterable[Rows]) -> Iterator[Rows]:
    """The same rows, with colour under transparent pixels filled where there is alpha."""
    blocks = iter(blocks)
    first = next(blocks)
    with_first = _chain(first, blocks)
    return fill_transparent(with_first) if first[1] is not None else with_first  # type: ignore[arg-type, return-value]


def _chain(first: Rows, rest: Iterator[Rows]) -> Iterator[Rows]:
    yield first
    yield from rest


def _to_channels(rows: np.ndarray, channels: int) -> np.ndarray:
    """Grey to three equal channels, and three back to grey by their mean."""
    if rows.shape[2] == channels:
        return rows
    if channels == 1:
        return rows.mean(axis=2, keepdims=True, dtype=np.float32)
    return np.repeat(rows, channels, axis=2)


def _ahead(blocks: Iterable[Rows], depth: int = 4) -> Iterator[Rows]:
    """Computes up to `depth` blocks ahead in a thread of its own, so that encoding and the network overlap."""
    waiting: queue.Queue[Rows | BaseException | None] = queue.Queue(depth)
    stopped = threading.Event()

    def offer(item: Rows | BaseException | None) -> None:
        while not stopped.is_set():
            try:
                return waiting.put(item, timeout=0.1)
            except queue.Full:
                continue

    def work() -> None:
        try:
            for block in blocks:
                offer(block)
                if stopped.is_set():
                    return
            offer(None)
        except BaseException as error:  # handed over to the caller's thread, whole
            offer(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while (item := waiting.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        thread.join()
