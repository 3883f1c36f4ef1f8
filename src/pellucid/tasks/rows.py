"""Rows of picture files on their way through a network: what all tasks share that make pictures from pictures.

Rows are read, given colour where they are transparent, computed a few blocks ahead of what is written; no more of them
are in memory than the network needs. What a task makes of them is its own.
"""

from __future__ import annotations

import itertools
import queue
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from shutil import copyfileobj
from typing import BinaryIO

import numpy as np

from pellucid.errors import ResourceError
from pellucid.network import Network
from pellucid.picture import DEFAULT_MAX_PIXELS, PictureInfo, RowReader, to_float
from pellucid.transparency import fill_transparent

BLOCK = 64
"""Rows read, computed and written at a time, at most."""
BLOCK_BYTES = 12 << 20
"""What the result of a block may take: half a dozen of them are on their way at any time."""

Rows = tuple[np.ndarray, np.ndarray | None]
"""Colour (k, w, c) and alpha (k, w, 1) of some rows, float32 in 0..1."""


@dataclass(frozen=True)
class Options:
    """How files are worked on, the same for every file of a batch.

    `memory` is a ceiling for all the engines that are at work at once: of `jobs` pictures, and of as many streams as
    each is computed in. `memory_for` has the share of one.
    """

    precision: str = "auto"
    threads: int | None = None
    memory: int | None = None
    max_pixels: int = DEFAULT_MAX_PIXELS
    format: str | None = None
    quality: int | None = None
    overwrite: bool = False
    jobs: int = 1


def memory_for(network: Network, height: int, width: int, options: Options, streams: int = 1) -> int | None:
    """What one engine may take of the ceiling; ResourceError with the least ceiling that would do."""
    at_once = streams * options.jobs
    if options.memory is None:
        return None
    share = max(1, options.memory // at_once)
    try:
        network.plan(height, width, options.precision, options.threads, share)
    except ResourceError as error:
        least = error.least_bytes
        if at_once == 1 or least is None:
            raise
        raise ResourceError(
            f"{error.what}, {at_once} times at once",
            seen=f"{options.memory} bytes",
            expected=f"at least {-(-least * at_once // 10**6)}M",
            hint=f"with one job {-(-least * streams // 10**6)}M do" if options.jobs > 1 else None,
        ) from None
    return share


@contextmanager
def again(source: str | BinaryIO) -> Iterator[Callable[[], str | BinaryIO]]:
    """A source that can be opened several times: a stream is kept in a file without a name."""
    if isinstance(source, str):
        yield lambda: source
        return
    with tempfile.TemporaryFile() as kept:
        copyfileobj(source, kept, 1 << 20)

        def rewound() -> BinaryIO:
            kept.seek(0)
            return kept  # type: ignore[return-value]

        yield rewound


def through(
    network: Network, blocks: Iterator[np.ndarray], info: PictureInfo, options: Options, level: float | None = None
) -> Iterator[np.ndarray]:
    """Rows through the network; through one that knows one colour, the channels of a colour picture side by side.

    A `level` is given to the network as one more channel, everywhere the same.
    """
    streams = streams_for(network, info, level)
    memory = memory_for(network, info.height, info.width, options, streams)

    def stream(rows: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        rows = rows if level is None else _with_level(rows, level)
        return network.stream_blocks(rows, info.width, info.height, options.precision, options.threads, memory)

    if streams == 1:
        yield from stream(blocks)
        return
    planes = [stream(_plane(copy, c)) for c, copy in enumerate(itertools.tee(blocks, streams))]
    for rows in zip(*planes, strict=True):
        yield np.concatenate(rows, axis=2)


def streams_for(network: Network, info: PictureInfo, level: float | None = None) -> int:
    """In how many streams a picture goes through: one, but for colours through a network that knows one."""
    return info.channels if colours_of(network, level) == 1 else 1


def colours_of(network: Network, level: float | None) -> int:
    """How many channels of the picture a network sees: all of its own but the level."""
    return network.graph.channels - (level is not None)


def _with_level(blocks: Iterator[np.ndarray], level: float) -> Iterator[np.ndarray]:
    for block in blocks:
        yield np.concatenate([block, np.full((*block.shape[:2], 1), level, np.float32)], axis=2)


def _plane(blocks: Iterator[np.ndarray], c: int) -> Iterator[np.ndarray]:
    for block in blocks:
        yield block[:, :, c : c + 1]


def visible_rows(reader: RowReader, scale: int = 1) -> Iterator[Rows]:
    """A picture's rows, with colour under transparent pixels filled where there is alpha; `scale` times larger, its
    blocks are small enough to have several of them."""
    a_row = 3 * 4 * scale**2 * reader.info.width  # bytes of what it becomes: three colours, float32
    k = max(8, min(BLOCK, BLOCK_BYTES // a_row // 8 * 8))  # the engine takes four at a time: as many for two threads
    blocks = ((to_float(pixels), None if alpha is None else to_float(alpha)) for pixels, alpha in reader.rows(k))
    return fill_transparent(blocks) if reader.info.has_alpha else blocks  # type: ignore[arg-type, return-value]


def to_channels(rows: np.ndarray, channels: int) -> np.ndarray:
    """Grey to three equal channels, and three back to grey by their mean."""
    if rows.shape[2] == channels:
        return rows
    if channels == 1:
        return rows.mean(axis=2, keepdims=True, dtype=np.float32)
    return np.repeat(rows, channels, axis=2)


def ahead(blocks: Iterable[Rows], depth: int = 2) -> Iterator[Rows]:
    """Computes up to `depth` blocks ahead in a thread of its own, so that encoding and the network overlap.

    It is waited for whatever comes: left in the engine, the thread would be torn out of it when the process ends. A
    thread whose `join` was interrupted passes for ended (Python 3.11), so it is not asked.
    """
    waiting: queue.Queue[Rows | BaseException | None] = queue.Queue(depth)
    stopped, ended = threading.Event(), threading.Event()

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
        finally:
            ended.set()

    thread = threading.Thread(target=work, name="rows ahead", daemon=True)
    interruption: KeyboardInterrupt | None = None
    try:
        thread.start()
        while (item := waiting.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        while thread.ident is not None and not ended.is_set():
            try:
                ended.wait()
            except KeyboardInterrupt as error:
                interruption = error
    if interruption is not None:  # not where something else is under way: that ends the work as well
        raise interruption
