"""Super-resolution of picture files [C5, D1]: rows from the reader through the network to the writer.

Whatever the picture's size, only the rows that the network still needs are in memory. Depth, profile, EXIF and grey or
colour stay what they were. Alpha is enlarged by an ordinary bicubic filter, and the colour under transparent pixels is
filled from visible neighbours first, so that it cannot bleed into the edge. Where there is a network for photographs
that were stored as JPEG, a JPEG file's own tables choose it, or a first pass over the picture that looks for blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np

from pellucid.errors import UsageError
from pellucid.network import Network
from pellucid.picture import RowReader, open_reader, open_writer
from pellucid.resample import RowResampler
from pellucid.tasks.blocking import COARSE, ENOUGH, BlockingMeter
from pellucid.tasks.rows import (
    BLOCK,
    Options,
    Rows,
    again,
    ahead,
    memory_for,
    streams_for,
    through,
    to_channels,
    visible_rows,
)


@dataclass(frozen=True)
class ByBlocks:
    """Two networks: for clean pictures, and for those that JPEG has left its traces in. Where there is no second one,
    `elsewhere` has the scales at which there is."""

    clean: Network
    photo: Network | None
    elsewhere: tuple[int, ...] = ()


def upscale_file(
    network: Network | ByBlocks,
    source: str | BinaryIO,
    target: str | BinaryIO,
    options: Options,
    advanced: Callable[[int, int], None] = lambda rows, of: None,
) -> list[str]:
    """Enlarges one picture; returns notes on what the target's format could not keep, and on traces of JPEG.

    `advanced(rows, of)` is called as rows of the result are written.
    """
    if not isinstance(network, ByBlocks):
        return _upscale(network, source, target, options, advanced)
    with again(source) as opened:
        with open_reader(opened(), max_pixels=options.max_pixels) as reader:
            found = traces_of_jpeg(reader)
        chosen = network.photo if found and network.photo else network.clean
        notes = []
        if found and network.photo:
            notes = [f"{found}: {chosen.name}"]
        elif found:
            scales = ", ".join(map(str, network.elsewhere)) or "none"
            notes = [f"{found}, which {chosen.name} enlarges too; networks that take them away: for scale {scales}"]
        return notes + _upscale(chosen, opened(), target, options, advanced)


def traces_of_jpeg(reader: RowReader) -> str | None:
    """What JPEG has left in a picture, in words: by its own tables, or by blocks in the first few million pixels."""
    quality = reader.info.jpeg_quality
    if quality is not None and quality <= COARSE:
        return f"stored as JPEG of quality {quality}"
    meter = BlockingMeter()
    for pixels, _ in reader.rows(BLOCK):
        meter.push(pixels)
        if meter.pixels >= ENOUGH:
            break
    return "blocks of JPEG were found" if meter.blocks() else None


def _upscale(
    network: Network,
    source: str | BinaryIO,
    target: str | BinaryIO,
    options: Options,
    advanced: Callable[[int, int], None],
) -> list[str]:
    scale = scale_of(network)
    with open_reader(source, max_pixels=options.max_pixels) as reader:
        info = reader.info
        larger = replace(info, height=scale * info.height, width=scale * info.width)
        format = options.format or (None if isinstance(target, str) else info.format)
        memory_for(network, info.height, info.width, options, streams_for(network, info))  # refuses early
        with open_writer(target, larger, format=format, quality=options.quality, overwrite=options.overwrite) as writer:
            written = 0
            for colour, alpha in ahead(_enlarged(network, reader, scale, options)):
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
        for colour, alpha in visible_rows(reader, scale):
            if resampler is not None and alpha is not None:
                alphas.append(resampler.push(alpha))
            yield to_channels(colour, max(network.graph.channels, colour.shape[2]))
        if resampler is not None:
            alphas.append(resampler.finish())

    waiting = np.empty((0, scale * info.width, 1), np.float32)
    for rows in through(network, colours(), info, options):
        colour = to_channels(rows, info.channels)
        if resampler is None:
            yield colour, None
            continue
        waiting = np.concatenate([waiting, *alphas])
        alphas.clear()
        yield colour, np.clip(waiting[: len(colour)], 0, 1)
        waiting = waiting[len(colour) :]
