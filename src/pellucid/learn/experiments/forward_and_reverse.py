"""Forward and reverse mode [A15]: that they agree, and what they cost for functions wide in, wide out, and square.

Multiplications are those of the textbook's chain; times are torch's own modes on the same chain.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pellucid.learn.experiments.drawing import COLOURS, label, sheet
from pellucid.learn.experiments.experiment import Claim, Experiment, Outcome, Progress
from pellucid.reference.differentiation import Layer, Linear, Tanh, by_differences, explicit, forward_mode, reverse_mode


@dataclass(frozen=True)
class Settings:
    seed: int = 0
    wide: int = 1000
    narrow: int = 3
    hidden: int = 200
    repeats: int = 5


def run(settings: Settings, data: None, progress: Progress) -> Outcome:
    """[A15] Differences between the modes, multiplications, and seconds of torch's jacfwd and jacrev."""
    wide, narrow, h = settings.wide, settings.narrow, settings.hidden
    shapes = {"wide in": (wide, h, h, narrow), "square": (h, h, h, h), "wide out": (narrow, h, h, wide)}
    found, apart = {}, 0.0
    for done, (name, sizes) in enumerate(shapes.items()):
        progress(done, len(shapes), name)
        rng = np.random.default_rng(settings.seed)
        chain, x = _chain(rng, sizes), rng.normal(size=sizes[0])
        numeric = by_differences(chain, x)
        costs = {}
        for way, mode in (("forward", forward_mode), ("reverse", reverse_mode), ("explicit", explicit)):
            jacobian, costs[way] = mode(chain, x)
            apart = max(apart, float(np.abs(jacobian - numeric).max()))
        seconds, difference = _by_torch(chain, x, settings.repeats)
        apart = max(apart, difference)
        found[name] = {"sizes": list(sizes), "multiplications": costs, "torch, milliseconds": seconds}
    last = chain[0]
    assert isinstance(last, Linear)
    compact, long = last.weights.size, last.weights.size * len(last.bias)
    figures = {
        "functions": found,
        "largest difference": apart,
        "values held for the gradient of a layer's weights": {"Jacobian": long, "outer product": compact},
    }
    return Outcome(figures, _claims(found, apart, compact, long), _draw(found))


def _chain(rng: np.random.Generator, sizes: tuple[int, ...]) -> list[Layer]:
    chain: list[Layer] = []
    for a, b in zip(sizes, sizes[1:], strict=False):
        chain += [Linear(rng.normal(0, a**-0.5, (b, a)), rng.normal(0, 0.1, b)), Tanh(b)]
    return chain


def _by_torch(chain: list[Layer], x: np.ndarray, repeats: int) -> tuple[dict[str, float], float]:
    """Milliseconds of torch's two modes, the best of some tries, and how far apart their Jacobians are."""
    weights = [(torch.from_numpy(c.weights), torch.from_numpy(c.bias)) for c in chain if isinstance(c, Linear)]

    def function(x: Tensor) -> Tensor:
        for w, b in weights:
            x = torch.tanh(w @ x + b)
        return x

    seconds, jacobians = {}, []
    modes: dict[str, Callable[[Tensor], Tensor]] = {
        "forward": torch.func.jacfwd(function),
        "reverse": torch.func.jacrev(function),
    }
    for way, mode in modes.items():
        tries = []
        for _ in range(repeats):
            begun = time.perf_counter()
            jacobian = mode(torch.from_numpy(x))
            tries.append(time.perf_counter() - begun)
        seconds[way] = 1000 * min(tries)
        jacobians.append(jacobian)
    return seconds, float((jacobians[0] - jacobians[1]).abs().max())


def _claims(found, apart: float, compact: int, long: int) -> tuple[Claim, ...]:  # type: ignore[no-untyped-def]
    into, out = found["wide in"]["multiplications"], found["wide out"]["multiplications"]
    plain = found["square"]["multiplications"]
    return (
        Claim("S1", "both modes compute the same", f"differences, also to finite ones, are below {apart:.1g}",
              apart < 1e-6),
        Claim("S1", "reverse is more efficient with more inputs than outputs",
              f"wide in: {into['reverse']:,} multiplications, forward {into['forward']:,}",
              into["reverse"] < into["forward"]),
        Claim("S1", "forward is more efficient with more outputs than inputs",
              f"wide out: {out['forward']:,} multiplications, reverse {out['reverse']:,}",
              out["forward"] < out["reverse"]),
        Claim("S1", "explicit Jacobians are expensive; products can be simplified",
              f"square: explicit {plain['explicit']:,}, compact {plain['reverse']:,}; gradient of a layer's weights: "
              f"{long:,} values or {compact:,}", plain["explicit"] > plain["reverse"]),
    )  # fmt: skip


def _draw(found):  # type: ignore[no-untyped-def]
    figure, axes = sheet(1, 2, 4.6, 3.2)
    places = np.arange(len(found))
    for place, key in zip(axes[0], ("multiplications", "torch, milliseconds"), strict=True):
        ways = list(next(iter(found.values()))[key])
        for number, way in enumerate(ways):
            heights = [entry[key][way] for entry in found.values()]
            place.bar(places + 0.27 * (number - (len(ways) - 1) / 2), heights, 0.25, color=COLOURS[number], label=way)
        place.set_xticks(places, [f"{name}\n{' - '.join(map(str, e['sizes']))}" for name, e in found.items()])
        place.set_yscale("log")
        label(place, f"the whole Jacobian: {key}")
        place.legend(fontsize=7)
    return figure


EXPERIMENT = Experiment(row="A15", run=run, usual=Settings(), small=Settings(wide=12, narrow=2, hidden=4, repeats=1))
