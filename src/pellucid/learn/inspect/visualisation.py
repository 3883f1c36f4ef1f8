"""[E4] Feature visualisation: a picture, begun as faint noise, changed until a unit answers strongly to it.

Without restraint the result is high-frequency noise that excites the unit and tells nothing. Three regularisers
(Olah et al., 2017): the picture is held as a spectrum whose waves weigh as in photographs, it is shifted at random
before every step, and its total variation costs. Colours are brightness and two differences that move more slowly.
The same seed gives the same picture. It shows what excites a unit most, not what it is for.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pellucid.errors import UsageError
from pellucid.inspect.as_input import SIGMA
from pellucid.inspect.gradient_views import Pattern
from pellucid.learn.inspect.as_module import AsModule

STEPS, RATE, SHIFT, SMOOTH = 64, 0.05, 4, 0.02
SMALLEST_MIDDLE = 8
CONTRAST = 2.0
"""How far the first noise is from grey; what follows is the unit's doing."""

OPPONENT = ((1.0, 0.35, 0.25), (1.0, 0.0, -0.5), (1.0, -0.35, 0.25))
"""Red, green, blue of brightness, red against blue, and green against magenta: photographs vary most in the first."""

Progress = Callable[[int, int, str], None]
"""Told (steps done, steps in all, what)."""


def visualise(
    network: AsModule,
    layer: str,
    units: list[int],
    size: tuple[int, int] = (64, 64),
    steps: int = STEPS,
    smooth: float = SMOOTH,
    shift: int = SHIFT,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[Pattern]:
    """[E4] What excites these units of a layer, all at once, each from the same noise: pictures of `size` (h, w)."""
    channels = network.graph.channels
    colours = channels - (channels in (2, 4))
    if colours not in (1, 3):
        raise UsageError("the network reads no picture", seen=f"{channels} channels", expected="1 to 4")
    spectrum = _first_noise(len(units), colours, size, seed).requires_grad_()
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam([spectrum], lr=RATE)
    before = _answers(network, layer, units, _picture(spectrum, size), channels).detach()
    for step in range(steps):
        if progress:
            progress(step, steps, layer)
        picture = _picture(spectrum, size)
        dy, dx = torch.randint(-shift, shift + 1, (2,), generator=generator).tolist()
        answers = _answers(network, layer, units, picture.roll((dy, dx), (2, 3)), channels)
        scale = before.abs().clamp(min=1e-3)  # units of different strength take equal steps
        loss = (smooth * _variation(picture) - answers / scale).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        picture = _picture(spectrum, size)
        after = _answers(network, layer, units, picture, channels)
    return [
        Pattern(layer, unit, picture[i].permute(1, 2, 0).numpy(), float(before[i]), float(after[i]))
        for i, unit in enumerate(units)
    ]


def _first_noise(n: int, colours: int, size: tuple[int, int], seed: int) -> Tensor:
    """(n, colours, h, w / 2 + 1, 2): real and imaginary parts of equal weight everywhere; the same for every unit."""
    h, w = size
    generator = torch.Generator().manual_seed(seed)
    one = 0.1 * CONTRAST * torch.randn(1, colours, h, w // 2 + 1, 2, generator=generator)
    return one.repeat(n, 1, 1, 1, 1)


def _picture(spectrum: Tensor, size: tuple[int, int]) -> Tensor:
    """(n, c, h, w) in 0..1: waves weighed by one over their frequency, colours put together, squeezed."""
    h, w = size
    fy, fx = torch.fft.fftfreq(h)[:, None], torch.fft.rfftfreq(w)[None]
    weight = 1 / torch.sqrt(fy**2 + fx**2).clamp(min=1 / max(h, w))
    waves = torch.view_as_complex(spectrum) * weight * (h * w) ** 0.5 / 16
    x = torch.fft.irfft2(waves, s=size)
    if x.shape[1] == 3:
        x = torch.einsum("rc,nchw->nrhw", torch.tensor(OPPONENT), x)
    return torch.sigmoid(x)


def _answers(network: AsModule, layer: str, units: list[int], picture: Tensor, channels: int) -> Tensor:
    """(n,): the mean of unit i's map over the middle of picture i: at the edges padding excites without a picture.

    Numbers below zero count a tenth, as behind a rectifier that leaks: a plain mean would ask for brightness alone.
    """
    if picture.shape[1] < channels:  # the noise level that some networks are told
        picture = torch.cat([picture, torch.full_like(picture[:, :1], SIGMA)], 1)
    maps = network.maps(picture, [layer])[0]
    if not all(0 <= unit < maps.shape[1] for unit in units):
        raise UsageError(f"layer {layer!r} has no such unit", seen=units, expected=f"0 to {maps.shape[1] - 1}")
    (y, x) = (n // 4 if n >= SMALLEST_MIDDLE else 0 for n in maps.shape[2:])
    middle = F.leaky_relu(maps[:, :, y : maps.shape[2] - y, x : maps.shape[3] - x], 0.1)
    return torch.stack([middle[i, unit].mean() for i, unit in enumerate(units)])


def _variation(x: Tensor) -> Tensor:
    """(n,): the mean size of differences between neighbours, as a part of the largest there can be, times ten."""
    across, down = (x.diff(dim=3).abs().mean((1, 2, 3)), x.diff(dim=2).abs().mean((1, 2, 3)))
    return 10 * (across + down)


def strongest_units(maps: np.ndarray, most: int) -> list[int]:
    """Of a layer's map (h, w, c), the units that vary most, strongest first."""
    variance = maps.reshape(-1, maps.shape[-1]).astype(np.float64).var(axis=0)
    if maps.shape[0] * maps.shape[1] == 1:
        variance = maps.reshape(-1)
    return [int(unit) for unit in np.argsort(-variance, kind="stable")[:most]]
