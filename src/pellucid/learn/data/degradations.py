"""How the input of a network is made from a clean crop while training: shrinking, averaging, noise. [C2]

A degradation is a small frozen dataclass that is called with clean crops and a key. It is a function of these alone:
the same key gives the same noise. Crops are tensors (n, c, h, w) float32 in 0..1. Shrinking follows the weights of
`pellucid.resample`, which follow MATLAB. It knows nothing of batches, files or training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import ClassVar, Protocol

import numpy as np
import torch

from pellucid.errors import UsageError, unknown_name
from pellucid.learn.data.jpeg import through_jpeg
from pellucid.learn.data.keyed_random import bits, uniform
from pellucid.resample import resize_weights

Key = tuple[int, ...]
LEVELS, NOISE, SHADE, SPREAD, TOLD, BLUR, CAMERA, QUALITY, HALVED = 1, 2, 3, 4, 5, 6, 7, 8, 9


class Degradation(Protocol):
    """What all degradations have. `margin` is how many pixels around a patch its result depends on."""

    @property
    def scale(self) -> int: ...

    @property
    def margin(self) -> int: ...

    def __call__(self, clean: torch.Tensor, key: Key) -> torch.Tensor:
        """(n, c, h, w) -> (n, c, h / scale, w / scale), or with one more channel that holds the noise's level"""
        ...


@dataclass(frozen=True)
class Identity:
    """The input is the target: the smallest task that a training stack can be tested with. [C3]"""

    scale: ClassVar[int] = 1
    margin: ClassVar[int] = 0

    def __call__(self, clean: torch.Tensor, key: Key) -> torch.Tensor:
        return clean


@dataclass(frozen=True)
class Bicubic:
    """MATLAB's antialiased bicubic down-scaling, by which published super-resolution is measured. [C2]"""

    scale: int = 3
    rounded: bool = True  # to 8 bits, as a picture file would be

    def __post_init__(self) -> None:
        _check_scale(self.scale)

    @property
    def margin(self) -> int:
        return 2 * self.scale  # half of the kernel, which is 4 pixels of the small picture wide

    def __call__(self, clean: torch.Tensor, key: Key) -> torch.Tensor:
        rows, columns = (_shrinking(n, self.scale) for n in clean.shape[2:])
        small = rows @ (clean @ columns.T)  # (n, c, h, w) -> (n, c, h, w / s) -> (n, c, h / s, w / s)
        return _to_8_bits(small) if self.rounded else small


@dataclass(frozen=True)
class Box:
    """The mean of each scale x scale block: the first document's plain down-scaling. [C2]"""

    scale: int = 3
    rounded: bool = True

    margin: ClassVar[int] = 0

    def __post_init__(self) -> None:
        _check_scale(self.scale)

    def __call__(self, clean: torch.Tensor, key: Key) -> torch.Tensor:
        small = torch.nn.functional.avg_pool2d(clean, self.scale)
        return _to_8_bits(small) if self.rounded else small


@dataclass(frozen=True)
class GaussianNoise:
    """White Gaussian noise, a level of its own for each sample; not clipped, not rounded: so denoisers are measured.

    `with_level` adds a channel that holds the level, on the scale of the picture.
    """

    low: float = 0.0  # standard deviations in grey levels of 0..255
    high: float = 50.0
    with_level: bool = False

    scale: ClassVar[int] = 1
    margin: ClassVar[int] = 0

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high:
            raise UsageError(
                "noise levels out of order", seen=f"{self.low} to {self.high}", expected="0 <= low <= high"
            )

    def __call__(self, clean: torch.Tensor, key: Key) -> torch.Tensor:
        levels = torch.from_numpy(self.levels(len(clean), key)).reshape(-1, 1, 1, 1)
        generator = torch.Generator().manual_seed(int(bits(*key, NOISE)[0] >> np.uint64(1)))
        noisy = clean + levels * torch.randn(clean.shape, generator=generator)
        return with_level(noisy, levels) if self.with_level else noisy

    def levels(self, n: int, key: Key) -> np.ndarray:
        """The standard deviation for each of `n` samples, on the scale of the crops. -> (n,) float32"""
        drawn = uniform(*key, LEVELS, np.arange(n))
        return ((self.low + (self.high - self.low) * drawn) / 255).astype(np.float32)


@dataclass(frozen=True)
class CameraNoise:
    """Noise more like a camera's than `noise` is: stronger in the shadows, and shared a little by neighbouring pixels.

    Its strength goes with (brightness + 0.1) ^ -p, p up to `shadows`: what the read-out adds in linear light grows so
    under the tone curve, while shot noise stays nearly even. Reconstruction of colours and the camera's own smoothing
    spread it: each pixel takes up to `spread` of its neighbours' above, below, left and right. The level is the noise's
    standard deviation at middle grey; what `with_level` tells is off by up to `misjudged`, as measuring is.
    """

    low: float = 0.0  # standard deviations in grey levels of 0..255
    high: float = 55.0
    shadows: float = 0.8
    spread: float = 0.4
    misjudged: float = 0.25
    rounded: bool = True  # and clipped, to 8 bits, as a picture file would be
    with_level: bool = False

    scale: ClassVar[int] = 1
    margin: ClassVar[int] = 0

    def __post_init__(self) -> None:
        GaussianNoise(self.low, self.high)  # refuses levels out of order
        for name in ("shadows", "spread", "misjudged"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"the {name} of noise is out of range", seen=getattr(self, name), expected="0 to 1")

    def __call__(self, clean: torch.Tensor, key: Key) -> torch.Tensor:
        level, shade, spread, told = (
            torch.from_numpy(uniform(*key, stream, np.arange(len(clean))).astype(np.float32)).reshape(-1, 1, 1, 1)
            for stream in (LEVELS, SHADE, SPREAD, TOLD)
        )
        level = (self.low + (self.high - self.low) * level) / 255
        generator = torch.Generator().manual_seed(int(bits(*key, NOISE)[0] >> np.uint64(1)))
        noise = _spread(torch.randn(clean.shape, generator=generator), self.spread * spread)
        brightness = clean.mean(dim=1, keepdim=True).clamp(0, 1)
        noise = level * noise * ((brightness + 0.1) / 0.6) ** (-self.shadows * shade)
        told = level * (1 + self.misjudged * (2 * told - 1))
        given = _to_8_bits(clean + noise) if self.rounded else clean + noise
        return with_level(given, told) if self.with_level else given


@dataclass(frozen=True)
class Photograph:
    """A photograph as it is found: a lens blurs, a sensor adds noise, the camera stores a good JPEG, somebody makes it
    smaller and stores a worse one. [C2] [D1]

    The last JPEG's blocks are those that a network sees, eight pixels of the small picture wide; what the camera did is
    shrunk with the picture. Each sample draws its own blur, noise, qualities, and whether its colours are halved.
    """

    scale: int = 3
    blur: float = 0.8  # standard deviation, up to, in large pixels
    noise: float = 6.0  # grey levels, up to
    camera: float = 85.0  # the camera's quality, at least
    low: float = 30.0  # the second quality
    high: float = 95.0

    def __post_init__(self) -> None:
        _check_scale(self.scale)
        if not (1 <= self.low <= self.high <= 100 and 1 <= self.camera <= 100):
            seen = f"{self.low} to {self.high}, camera {self.camera}"
            raise UsageError("JPEG qualities out of order", seen=seen, expected="1 <= low <= high <= 100")
        if self.blur < 0 or self.noise < 0:
            raise UsageError("blur and noise are not negative", seen=f"blur {self.blur}, noise {self.noise}")

    @property
    def margin(self) -> int:
        return 4 * self.scale  # for blur and shrinking: blocks begin at a crop's corner as at a picture's

    def __call__(self, clean: torch.Tensor, key: Key) -> torch.Tensor:
        n = len(clean)
        sigma = self.noise / 255 * _drawn(n, *key, LEVELS).reshape(-1, 1, 1, 1)
        generator = torch.Generator().manual_seed(int(bits(*key, NOISE)[0] >> np.uint64(1)))
        taken = blurred(clean, self.blur * _drawn(n, *key, BLUR))
        taken = taken + sigma * torch.randn(clean.shape, generator=generator)
        halved = _drawn(n, *key, HALVED) < 0.5
        taken = through_jpeg(taken, self.camera + (100 - self.camera) * _drawn(n, *key, CAMERA), halved)
        small = Bicubic(self.scale)(taken, key)
        return through_jpeg(small, self.low + (self.high - self.low) * _drawn(n, *key, QUALITY), halved)


DEGRADATIONS: dict[str, type[Degradation]] = {
    "identity": Identity,
    "bicubic": Bicubic,
    "box": Box,
    "noise": GaussianNoise,
    "camera": CameraNoise,
    "photograph": Photograph,
}
"""Every degradation by the name that recipes use."""


def make_degradation(name: str, settings: Mapping[str, object] | None = None) -> Degradation:
    """The degradation of this name with these settings; unknown names and settings are refused with the known ones."""
    if name not in DEGRADATIONS:
        raise unknown_name("degradation", name, list(DEGRADATIONS))
    kind = DEGRADATIONS[name]
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    for setting in settings or {}:
        if setting not in known:
            raise unknown_name(f"setting of the degradation {name}", setting, known)
    return kind(**(settings or {}))


def with_level(picture: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
    """One more channel, which holds the noise's level everywhere. (n, c, h, w), (n, 1, 1, 1) -> (n, c + 1, h, w)"""
    return torch.cat([picture, level.expand(-1, 1, *picture.shape[2:])], dim=1)


def _spread(noise: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Each pixel with `share` (n, 1, 1, 1) of its neighbours along both axes, as strong as before but at the edge."""
    for axis in (2, 3):
        above, below = (torch.zeros_like(noise) for _ in range(2))
        rows = noise.shape[axis]
        above.narrow(axis, 1, rows - 1).copy_(noise.narrow(axis, 0, rows - 1))
        below.narrow(axis, 0, rows - 1).copy_(noise.narrow(axis, 1, rows - 1))
        noise = (noise + share * (above + below)) / (1 + 2 * share**2).sqrt()
    return noise


def blurred(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """Each sample under a Gaussian of its own, seven pixels wide. (n, c, h, w), (n,) -> (n, c, h, w)"""
    n, c, h, w = x.shape
    taps = torch.exp(-(torch.arange(-3, 4) ** 2) / (2 * sigma.clamp(min=0.1).reshape(-1, 1) ** 2))
    taps = (taps / taps.sum(dim=1, keepdim=True)).repeat_interleave(c, dim=0).reshape(n * c, 1, 7, 1)
    padded = torch.nn.functional.pad(x.reshape(1, n * c, h, w), (3, 3, 3, 3), mode="replicate")
    down = torch.nn.functional.conv2d(padded, taps, groups=n * c)
    return torch.nn.functional.conv2d(down, taps.transpose(2, 3), groups=n * c).reshape(n, c, h, w)


def _drawn(n: int, *key: int) -> torch.Tensor:
    """A number in [0, 1) for each sample. -> (n,) float32"""
    return torch.from_numpy(uniform(*key, np.arange(n)).astype(np.float32))


@lru_cache(maxsize=64)
def _shrinking(n: int, scale: int) -> torch.Tensor:
    """One axis of the down-scaling as a matrix (n / scale, n)."""
    if n % scale:
        raise UsageError("a crop does not shrink evenly", seen=f"{n} pixels by {scale}", expected="a multiple")
    return torch.from_numpy(resize_weights(n, n // scale, 1 / scale).dense().astype(np.float32))


def _to_8_bits(x: torch.Tensor) -> torch.Tensor:
    return torch.floor(x.clamp(0, 1) * 255 + 0.5) / 255


def _check_scale(scale: int) -> None:
    if not 2 <= scale <= 16:
        raise UsageError("the scale of a down-scaling is out of range", seen=scale, expected="2 to 16")
