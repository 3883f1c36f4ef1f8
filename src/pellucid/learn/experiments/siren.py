"""A sine network with and without its own start [A12]: a picture as a function of place.

The network learns grey values at half of the places; those between it never sees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from pellucid.learn.experiments.drawing import bare, curves, sheet, smooth
from pellucid.learn.experiments.experiment import Claim, Experiment, Outcome, Progress

FREQUENCY = 30.0


@dataclass(frozen=True)
class Settings:
    seed: int = 0
    side: int = 64
    width: int = 96
    hidden: int = 3
    steps: int = 500
    rate: float = 5e-4


class Sine(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (FREQUENCY * x).sin()


KINDS = ("sine, SIREN's start", "sine, torch's start", "ReLU, He's start", "tanh, Xavier's start")


def build(kind: str, settings: Settings) -> nn.Sequential:
    """From places (n, 2) in -1..1 to grey values (n, 1)."""
    sizes = [2] + [settings.width] * settings.hidden
    layers: list[nn.Module] = []
    for i, (a, b) in enumerate(zip(sizes, sizes[1:], strict=False)):
        layers += [start(nn.Linear(a, b), kind, first=i == 0), _activation(kind)]
    return nn.Sequential(*layers, start(nn.Linear(settings.width, 1), kind, first=False))


def start(layer: nn.Linear, kind: str, first: bool) -> nn.Linear:
    """SIREN's: within 1 / K in the first layer, within sqrt(6 / K) / 30 in the others."""
    k = layer.in_features
    if kind == "sine, SIREN's start":
        bound = 1 / k if first else (6 / k) ** 0.5 / FREQUENCY
        nn.init.uniform_(layer.weight, -bound, bound)
    elif kind.startswith("ReLU"):
        nn.init.normal_(layer.weight, std=(2 / k) ** 0.5)
    elif kind.startswith("tanh"):
        nn.init.normal_(layer.weight, std=(1 / k) ** 0.5)
    return layer


def _activation(kind: str) -> nn.Module:
    return Sine() if kind.startswith("sine") else nn.ReLU() if kind.startswith("ReLU") else nn.Tanh()


def drawn_picture(side: int) -> Tensor:
    """Rings that get finer outwards, a disc and a bar: (side, side) in 0..1."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    picture = 0.5 + 0.3 * np.cos(14 * (x**2 + y**2))
    picture[np.hypot(x - 0.4, y + 0.4) < 0.25] = 0.95
    picture[(abs(x + 0.3) < 0.45) & (abs(y - 0.5) < 0.08)] = 0.1
    return torch.from_numpy(picture).float()


def run(settings: Settings, data: None, progress: Progress) -> Outcome:
    """[A12] PSNR on every second place, learned, and on the places between."""
    picture = drawn_picture(settings.side)
    steps = torch.linspace(-1, 1, settings.side)
    places = torch.cartesian_prod(steps, steps)  # y, x
    learned = (torch.arange(settings.side)[:, None] + torch.arange(settings.side)).flatten() % 2 == 0
    figures, curve, seen = {}, {}, {}
    for done, kind in enumerate(KINDS):
        torch.manual_seed(settings.seed)
        net = build(kind, settings)
        optimiser = torch.optim.Adam(net.parameters(), settings.rate, fused=True)
        losses = []
        for step in range(settings.steps):
            progress(done * settings.steps + step, len(KINDS) * settings.steps, kind)
            loss = ((net(places[learned])[:, 0] - picture.flatten()[learned]) ** 2).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        with torch.no_grad():
            output = net(places)[:, 0]
        error = (output - picture.flatten()) ** 2
        psnr = {name: -10 * error[where].mean().log10().item() for name, where in _parts(learned).items()}
        figures[kind] = psnr
        curve[kind] = (range(1, len(losses) + 1), smooth(-10 * np.log10(losses), 5))
        seen[kind] = output.reshape(settings.side, settings.side)
    return Outcome({"PSNR in dB": figures}, _claims(figures), _draw(picture, curve, seen, figures))


def _parts(learned: Tensor) -> dict[str, Tensor]:
    return {"learned": learned, "between": ~learned}


def _claims(figures: dict[str, dict[str, float]]) -> tuple[Claim, ...]:
    own, plain, relu = (figures[kind]["learned"] for kind in KINDS[:3])
    return (
        Claim(
            "S1",
            "sine works poorly when the start is not adapted",
            f"{own:.1f} dB with its start, {plain:.1f} dB with torch's",
            own > plain + 3,
        ),
        Claim("S1", "sine asks for another start than ReLU", f"ReLU with He's: {relu:.1f} dB, sine {own:.1f} dB"),
    )


def _draw(picture: Tensor, curve, seen: dict[str, Tensor], figures):  # type: ignore[no-untyped-def]
    figure, axes = sheet(2, 3, 3.4, 3.0)
    axes[0, 0].imshow(picture, cmap="gray", vmin=0, vmax=1)
    bare(axes[0, 0], "the picture")
    curves(axes[0, 1], curve, "while learning", "step", "dB")
    for place, (kind, output) in zip([axes[0, 2], *axes[1]], seen.items(), strict=True):
        place.imshow(output, cmap="gray", vmin=0, vmax=1)
        bare(place, f"{kind}: {figures[kind]['learned']:.1f}, between {figures[kind]['between']:.1f} dB")
    return figure


EXPERIMENT = Experiment(
    row="A12",
    run=run,
    usual=Settings(),
    small=Settings(side=16, width=16, steps=20),
    full=Settings(side=128, width=256, steps=3000, rate=2e-4),
)
