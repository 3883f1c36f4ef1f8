"""The search for the best wiring among random candidates [B8]: is what it finds more than the luck of a start?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from pellucid.learn.data.labelled import Labelled
from pellucid.learn.experiments.digits import Digits, digits, fit, measure
from pellucid.learn.experiments.drawing import COLOURS, bare, label, sheet
from pellucid.learn.experiments.experiment import Claim, Experiment, Outcome, Progress
from pellucid.learn.networks.random_wired import RandomWired, small_world


@dataclass(frozen=True)
class Settings:
    seed: int = 0
    candidates: int = 6
    starts: int = 3
    width: int = 8
    nodes: int = 8
    learned: int = 5000
    unseen: int = 2000
    batch: int = 40
    steps: int = 100
    rate: float = 5e-3


def run(settings: Settings, data: Labelled, progress: Progress) -> Outcome:
    """[B8] Accuracy of each wiring after a short training; the best and the worst again from other starts."""
    known = digits(data, settings.learned, settings.unseen)
    total = settings.candidates + 2 * settings.starts
    first = []
    for wiring in range(settings.candidates):
        progress(wiring, total, f"wiring {wiring + 1}")
        first.append(_accuracy(wiring, settings.seed, known, settings))
    best, worst = int(np.argmax(first)), int(np.argmin(first))
    again: dict[int, list[float]] = {best: [], worst: []}
    for number, wiring in enumerate(again):
        for start in range(settings.starts):
            progress(settings.candidates + number * settings.starts + start, total, f"wiring {wiring + 1} again")
            again[wiring].append(_accuracy(wiring, settings.seed + 1 + start, known, settings))
    figures = {"accuracy of each wiring": first, "best, other starts": again[best], "worst, other starts": again[worst]}
    return Outcome(figures, _claims(first, again[best], again[worst]), _draw(settings, first, again))


def _accuracy(wiring: int, start: int, known: Digits, settings: Settings) -> float:
    torch.manual_seed(start)
    options = {"stages": 2, "nodes": settings.nodes, "width": settings.width}
    net = nn.Sequential(nn.AvgPool2d(2), RandomWired(channels=1, seed=wiring + 1, **options))
    optimiser = torch.optim.Adam(net.parameters(), settings.rate, fused=True)
    fit(net, known, optimiser, settings.steps, settings.batch, start)
    return measure(net, known.unseen_x, known.unseen_labels)[0]


def _claims(first: list[float], best: list[float], worst: list[float]) -> tuple[Claim, ...]:
    better, less = float(np.mean(best)), float(np.mean(worst))
    luck = 2 * float(np.sqrt((np.var(best) + np.var(worst)) / max(1, len(best) - 1)))  # of a difference of means
    return (
        Claim(
            "S1",
            "search for the best wiring among candidates",
            f"{len(first)} wirings: {min(first):.1%} to {max(first):.1%}; from other starts the best has {better:.1%}, "
            f"the worst {less:.1%}, where chance alone makes {luck:.1%}",
            better - less > luck,
        ),
    )


def _draw(settings: Settings, first: list[float], again: dict[int, list[float]]):  # type: ignore[no-untyped-def]
    figure, axes = sheet(1, 3, 3.6, 3.2)
    axes[0, 0].bar(range(1, len(first) + 1), first, color=COLOURS[5])
    for wiring, accuracies in again.items():
        axes[0, 0].plot([wiring + 1] * len(accuracies), accuracies, "o", color=COLOURS[1], markersize=5)
    axes[0, 0].set_ylim(0.9 * min(first + sum(again.values(), [])), 1)
    label(axes[0, 0], "bars: candidates; dots: other starts", "wiring", "accuracy")
    for place, (wiring, name) in zip(axes[0, 1:], zip(again, ("best", "worst"), strict=False), strict=False):
        edges = small_world(settings.nodes, 4, 0.75, (wiring + 1) * 1000 + 1)  # of the second stage
        x, y = np.arange(settings.nodes), np.sin(2.4 * np.arange(settings.nodes))
        for node, inputs in enumerate(edges):
            for other in inputs:
                place.annotate("", (x[node], y[node]), (x[other], y[other]),
                               arrowprops={"arrowstyle": "->", "color": "#777777", "linewidth": 0.8})  # fmt: skip
        place.plot(x, y, "o", color=COLOURS[0], markersize=9)
        bare(place, f"the {name}: wiring {wiring + 1}, second stage")
    return figure


EXPERIMENT = Experiment(
    row="B8",
    run=run,
    usual=Settings(),
    small=Settings(candidates=2, starts=1, width=4, nodes=5, learned=160, unseen=40, batch=10, steps=4),
    full=Settings(candidates=20, starts=5, width=16, nodes=12, learned=50000, unseen=10000, steps=1000),
    needs="digits",
)
