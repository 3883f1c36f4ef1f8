"""Alrao [A13]: each unit its own random learning rate, beside gradient descent at rates far too low to too high."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pellucid.learn.alrao import Alrao
from pellucid.learn.data.labelled import Labelled
from pellucid.learn.experiments.digits import Digits, digits, fit, measure
from pellucid.learn.experiments.drawing import COLOURS, curves, label, sheet
from pellucid.learn.experiments.experiment import Claim, Experiment, Outcome, Progress


@dataclass(frozen=True)
class Settings:
    seed: int = 0
    width: int = 200
    learned: int = 10000
    unseen: int = 2000
    batch: int = 50
    steps: int = 500
    rates: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)


def run(settings: Settings, data: Labelled, progress: Progress) -> Outcome:
    """[A13] Accuracies at every rate, Alrao's over three seeds, and which of its units died."""
    known = digits(data, settings.learned, settings.unseen)
    total = len(settings.rates) + 3
    fixed = []
    for done, rate in enumerate(settings.rates):
        progress(done, total, f"rate {rate:g}")
        torch.manual_seed(settings.seed)
        net = nn.Sequential(_body(settings, known), nn.Linear(settings.width, 10))
        optimiser = torch.optim.SGD(net.parameters(), rate)
        fit(net, known, optimiser, settings.steps, settings.batch, settings.seed)
        fixed.append(measure(net, known.unseen_x, known.unseen_labels)[0])
    drawn = []
    for i in range(3):
        progress(len(settings.rates) + i, total, "random rates")
        model = _alrao(settings, known, settings.seed + i)
        drawn.append(measure(model, known.unseen_x, known.unseen_labels)[0])
    dead = _dead(model, known.unseen_x)
    rates = list(model.rates.values())[-1]
    groups = {name: dead[where].float().mean().item() if where.any() else 0.0
              for name, where in (("below 1", rates < 1), ("1 and above", rates >= 1))}  # fmt: skip
    figures = {
        "gradient descent": {f"{rate:g}": accuracy for rate, accuracy in zip(settings.rates, fixed, strict=True)},
        "random rates": drawn,
        "share of units that are dead, by rate": groups,
    }
    figure, axes = sheet(1, 2, 4.6, 3.4)
    curves(
        axes[0, 0],
        {
            "one rate for all": (settings.rates, fixed),
            "random, mean of 3": (settings.rates, [sum(drawn) / 3] * len(fixed)),
        },
        "accuracy on unseen digits",
        "rate",
        "accuracy",
        log="x",
    )  # fmt: skip
    heads = model.head_rates
    axes[0, 1].semilogx(heads, model.log_votes.exp(), "o-", color=COLOURS[2], label="votes of the last layers")
    edges = torch.logspace(-5, 1, 7)
    shares = [dead[(rates >= a) & (rates < b)].float().mean().nan_to_num().item()
              for a, b in zip(edges, edges[1:], strict=False)]  # fmt: skip
    axes[0, 1].semilogx((edges[1:] * edges[:-1]).sqrt(), shares, "s-", color=COLOURS[1], label="dead units")
    axes[0, 1].legend(fontsize=7)
    label(axes[0, 1], "which rates take part", "rate", "share")
    return Outcome(figures, _claims(fixed, drawn, groups), figure)


def _body(settings: Settings, known: Digits) -> nn.Sequential:
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(known.x[0].numel(), settings.width),
        nn.ReLU(),
        nn.Linear(settings.width, settings.width),
        nn.ReLU(),
    )


def _alrao(settings: Settings, known: Digits, seed: int) -> Alrao:
    torch.manual_seed(seed)
    model = Alrao(_body(settings, known), settings.width, 10, seed=seed)
    order = torch.Generator().manual_seed(seed)
    for _ in range(settings.steps):
        chosen = torch.randint(len(known.x), (settings.batch,), generator=order)
        model.step(known.x[chosen], known.labels[chosen])
    return model


@torch.no_grad()
def _dead(model: Alrao, x: Tensor) -> Tensor:
    """Units of the last hidden layer that are 0 for every picture."""
    return (model.body(x) <= 0).all(dim=0)


def _claims(fixed: list[float], drawn: list[float], groups: dict[str, float]) -> tuple[Claim, ...]:
    mean = sum(drawn) / len(drawn)
    return (
        Claim(
            "S1",
            "parameter free: no rate to choose",
            f"{mean:.1%} without a choice; one rate for all: {max(fixed):.1%} at best, {min(fixed):.1%} at worst",
            mean > max(fixed) - 0.03,
        ),
        Claim(
            "S1",
            "units with inappropriate rates die",
            f"dead at rates of 1 and above: {groups['1 and above']:.0%}, below 1: {groups['below 1']:.0%}",
            groups["1 and above"] > groups["below 1"],
        ),
        Claim("S1", "more stable training", f"three seeds: {min(drawn):.1%} to {max(drawn):.1%}",
              max(drawn) - min(drawn) < 0.03),
    )  # fmt: skip


EXPERIMENT = Experiment(
    row="A13",
    run=run,
    usual=Settings(),
    small=Settings(width=20, learned=160, unseen=40, batch=20, steps=10, rates=(0.01, 1.0)),
    full=Settings(learned=50000, unseen=10000, steps=5000),
    needs="digits",
)
