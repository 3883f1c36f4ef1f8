"""[E4] Style transfer by Gram matrices (Gatys, Ecker and Bethge, 2015): a picture with one's content, another's style.

What a layer sees, with its places, is content; how strongly its units answer together, whatever the place, is style:
the Gram matrix. The picture begins as the content and is changed until both fit. Every layer counts the same, because
each error is a part of what the layer held at first. It is as good as the network's eye: one that was trained on
photographs sees textures, one that enlarges sees edges.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pellucid.errors import UsageError
from pellucid.inspect.receptive_fields import receptive_field
from pellucid.inspect.unit_activity import ACTIVATIONS
from pellucid.learn.inspect.as_module import AsModule, as_module
from pellucid.learn.inspect.dreaming import as_colours, fitting, with_told
from pellucid.network import Network

STEPS, RATE, STRENGTH, SMOOTH = 200, 0.02, 10.0, 0.05
MOST_STYLE_LAYERS = 5
FLOOR = 1e-3

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Styled:
    """`picture` (h, w, c) in 0..1; the errors of content and style at the start and at the end."""

    picture: np.ndarray
    content_layer: str
    style_layers: tuple[str, ...]
    content_error: tuple[float, float]
    style_error: tuple[float, float]


def transfer(
    net: Network,
    content: np.ndarray,
    style: np.ndarray,
    content_layer: str | None = None,
    style_layers: Sequence[str] = (),
    strength: float = STRENGTH,
    steps: int = STEPS,
    progress: Progress | None = None,
) -> Styled:
    """[E4] The content (h, w, 1 or 3) in the style of another picture of any size; `strength` weighs style."""
    module = as_module(net)
    of_content, of_style = layers_for(net)
    of_content, of_style = content_layer or of_content, tuple(style_layers) or of_style
    start, other = as_colours(net, content), as_colours(net, style)
    with torch.no_grad():
        (wanted,) = _maps(module, start, [of_content])
        grams = [gram(m) for m in _maps(module, other, of_style)]
    x = start.clone().requires_grad_()
    # Errors count per pixel, so that the floor is far above what rounding alone would have Adam follow.
    optimiser = torch.optim.Adam([x], lr=RATE, eps=FLOOR)

    def errors() -> tuple[Tensor, Tensor]:
        *maps, seen = _maps(module, x, [*of_style, of_content])
        content_error = (seen - wanted).square().mean() / wanted.square().mean().clamp(min=1e-12)
        parts = [
            (gram(m) - g).square().sum() / g.square().sum().clamp(min=1e-12) for m, g in zip(maps, grams, strict=True)
        ]
        return content_error, torch.stack(parts).mean()

    first = tuple(float(error.detach()) for error in errors())
    for step in range(steps):
        if progress:
            progress(step, steps, "style")
        content_error, style_error = errors()
        loss = content_error + strength * style_error + SMOOTH * (_roughness(x) - _roughness(start)).relu()
        optimiser.zero_grad()
        (loss * x.numel()).backward()
        optimiser.step()
        with torch.no_grad():
            x.clamp_(0, 1)
    last = tuple(float(error.detach()) for error in errors())
    picture = x.detach()[0].permute(1, 2, 0).numpy()
    return Styled(picture, of_content, of_style, (first[0], last[0]), (first[1], last[1]))


def _roughness(x: Tensor) -> Tensor:
    return x.diff(dim=2).abs().mean() + x.diff(dim=3).abs().mean()


def gram(maps: Tensor) -> Tensor:
    """(1, c, h, w) -> (c, c): the mean over places of every product of two units."""
    flat = maps[0].flatten(1)
    return flat @ flat.T / flat.shape[1]


def layers_for(net: Network) -> tuple[str, tuple[str, ...]]:
    """(content, styles) where none are named: the first activation at each resolution, and the last one at the coarsest
    but one; of networks of one resolution the middle one, and some evenly drawn."""
    by_step: dict[float, list[str]] = {}
    fields = {f.layer: f for f in receptive_field(net)}
    names = [n.name for n in net.graph.nodes if n.operation in ACTIVATIONS and not fields[n.name].whole]
    for name in names:
        step = float(fields[name].y.jump)
        if step >= max(by_step, default=0):  # on the way down; decoders see again what the encoder saw
            by_step.setdefault(step, []).append(name)
    if not names:
        raise UsageError("no layer sees a part of the picture", hint="name layers of a convolutional network")
    if len(by_step) > 1:
        levels = list(by_step.values())[:MOST_STYLE_LAYERS]
        return levels[-2][-1], tuple(level[0] for level in levels)
    drawn = sorted({round(i) for i in np.linspace(0, len(names) - 1, min(len(names), MOST_STYLE_LAYERS))})
    return names[len(names) // 2], tuple(names[i] for i in drawn)


def _maps(module: AsModule, x: Tensor, layers: Sequence[str]) -> list[Tensor]:
    return module.maps(fitting(with_told(x, module.graph.channels), module.graph.multiple), layers)
