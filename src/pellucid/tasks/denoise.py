"""Denoising of picture files [D2]: how strong the noise is, then rows through a network that is told so.

Where no level is named, a first pass over the picture measures it. Depth, profile, EXIF, grey or colour, and alpha stay
what they were; colour under transparent pixels is filled from visible neighbours first, so that it cannot bleed into
the edge. It takes away noise as white as it was learned with; it is no retoucher of JPEG blocks or stains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

from pellucid.errors import UsageError
from pellucid.network import Network
from pellucid.picture import RowReader, open_reader, open_writer
from pellucid.tasks.noise import NoiseEstimator, estimate_sigma
from pellucid.tasks.rows import BLOCK, Options, Rows, again, ahead, colours_of, through, to_channels, visible_rows
from pellucid.whole_picture import run_array

STRONGEST = 55.0
"""The strongest noise that denoisers learn, in grey levels of 255."""

ALIKE = 1.4
"""How much more noise a colour network is told of in a grey picture, whose three equal channels share theirs: without
it, what is in all channels passes for what was there. Found on a photograph: 2 dB at noise 25."""

Models = Callable[[int], Network]
"""The network for pictures of one channel, or of three."""


@dataclass(frozen=True)
class Wanted:
    """The noise's `sigma` in grey levels, None to measure it; the share of what is found that is taken away."""

    sigma: float | None = None
    strength: float = 1.0

    def __post_init__(self) -> None:
        if self.sigma is not None and not 0 <= self.sigma <= STRONGEST:
            raise UsageError(
                "no such noise level", seen=self.sigma, expected=f"auto, or 0 to {STRONGEST:g} grey levels"
            )
        if not 0 <= self.strength <= 1:
            raise UsageError("no such strength", seen=self.strength, expected="0 (nothing) to 1 (all of the noise)")

    def share(self, sigma: float) -> float:
        """Of what the network would take away from noise of this strength: none where there is no noise, for even told
        so it would change pixels by a little."""
        return self.strength if sigma > 0 else 0.0


def denoise_file(
    models: Models,
    source: str | BinaryIO,
    target: str | BinaryIO,
    options: Options,
    wanted: Wanted = Wanted(),
    advanced: Callable[[int, int], None] = lambda rows, of: None,
) -> list[str]:
    """Cleans one picture; returns notes on the noise that was found, and on what the target's format could not keep.

    `advanced(rows, of)` is called as rows of the result are written.
    """
    with again(source) as opened:
        notes: list[str] = []
        sigma = wanted.sigma
        if sigma is None:
            with open_reader(opened(), max_pixels=options.max_pixels) as reader:
                sigma, notes = _measured(reader, _takes_shared(models(reader.info.channels)))
        with open_reader(opened(), max_pixels=options.max_pixels) as reader:
            info = reader.info
            network = models(info.channels)
            level = level_of(network, sigma, info.channels)
            format = options.format or (None if isinstance(target, str) else info.format)
            network.plan(info.height, info.width, options.precision, options.threads, options.memory)  # refuses early
            with open_writer(target, info, format=format, quality=options.quality, overwrite=options.overwrite) as file:
                written = 0
                for colour, alpha in ahead(_cleaned(network, reader, level, wanted.share(sigma), options)):
                    file.write(colour, alpha)
                    written += len(colour)
                    advanced(written, info.height)
            return [*notes, *file.notes]


def denoise(
    network: Network,
    pixels: np.ndarray,
    wanted: Wanted = Wanted(),
    precision: str = "auto",
    threads: int | None = None,
) -> np.ndarray:
    """A picture (h, w) or (h, w, c) in memory, uint8, uint16 or float32 -> the same kind, cleaned."""
    sigma = wanted.sigma
    if sigma is None:
        whole = pixels if pixels.ndim == 3 else pixels[..., None]
        sigma = min(STRONGEST, estimate_sigma(whole, _takes_shared(network)))
    level, share = level_of(network, sigma, pixels.shape[2] if pixels.ndim == 3 else 1), wanted.share(sigma)

    def run(x: np.ndarray) -> np.ndarray:  # (n, h, w, c) -> the same
        told = () if level is None else (np.full((*x.shape[:3], 1), level, np.float32),)
        clean = network.run(np.concatenate([x, *told], axis=3), precision, threads)
        return clean if share == 1 else x + np.float32(share) * (clean - x)

    return run_array(run, colours_of(network, level), pixels)


def level_of(network: Network, sigma: float, channels: int = 3) -> float | None:
    """What a denoiser is told beside a picture of so many channels; None for one that knows a single level and is told
    nothing."""
    if network.card.task != "denoise":
        raise UsageError(f"{network.name} does not clean pictures", seen=f"a model for {network.card.task}")
    if network.graph.channels not in (2, 4):
        return None
    alike = network.graph.channels == 4 and channels == 1
    return min(STRONGEST, ALIKE * sigma if alike else sigma) / 255


def _takes_shared(network: Network) -> bool:
    """Whether its noise is a camera's, which neighbouring pixels share."""
    return network.card.noise == "camera"


def _measured(reader: RowReader, shared: bool) -> tuple[float, list[str]]:
    """The noise of the picture in grey levels, and a line that says so."""
    estimator = NoiseEstimator(reader.info.height, reader.info.width, shared)
    for pixels, alpha in reader.rows(BLOCK):
        estimator.push(pixels, None if alpha is None else alpha[..., 0] > 0)
    sigma = estimator.sigma()
    hidden = None if shared else estimator.hidden()
    if sigma <= STRONGEST:
        return sigma, [f"noise of {sigma:.1f} grey levels", *([] if hidden is None else [_if_camera(hidden)])]
    return STRONGEST, [f"noise of {sigma:.1f} grey levels, taken for {STRONGEST:g}, the strongest that was learned"]


def _if_camera(level: float) -> str:
    return (
        f"smooth places vary by {level:.1f} grey levels: if that is a camera's noise, which neighbouring pixels share, "
        "use --model denoise-photo"
    )


@dataclass
class _Waiting:
    """Rows of the picture that the network has seen and not yet given back."""

    blocks: list[np.ndarray] = field(default_factory=list)

    def push(self, rows: np.ndarray) -> None:
        self.blocks.append(rows)

    def pop(self, count: int) -> np.ndarray:
        rows = np.concatenate(self.blocks)
        self.blocks = [rows[count:]]
        return rows[:count]


def _cleaned(
    network: Network, reader: RowReader, level: float | None, strength: float, options: Options
) -> Iterator[Rows]:
    info = reader.info
    given, alphas = _Waiting(), _Waiting()

    def colours() -> Iterator[np.ndarray]:
        for colour, alpha in visible_rows(reader):
            if alpha is not None:
                alphas.push(alpha)
            if strength < 1:
                given.push(colour)
            yield to_channels(colour, max(colours_of(network, level), colour.shape[2]))

    for rows in through(network, colours(), info, options, level):
        colour = to_channels(rows, info.channels)
        if strength < 1:
            noisy = given.pop(len(colour))
            colour = noisy + np.float32(strength) * (colour - noisy)
        yield colour, alphas.pop(len(colour)) if info.has_alpha else None
