"""Accuracy against operations for a family of networks, and the compute to reach a fixed accuracy [C9].

All learn from the same pictures, MNIST's or CIFAR-10's, for the same number of steps. Operations are two per
multiply-add; training takes three times those of inference for every picture it sees.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from pellucid.learn.data.labelled import Labelled
from pellucid.learn.experiments.digits import Digits, digits, fit, measure
from pellucid.learn.experiments.drawing import COLOURS, curves, label, sheet
from pellucid.learn.experiments.experiment import Claim, Experiment, Outcome, Progress
from pellucid.learn.networks.course_mnist import CourseMNIST
from pellucid.learn.networks.lenet import LeNet5
from pellucid.learn.networks.perceptron import MLP
from pellucid.learn.training.sums import multiply_adds

PASSES = 3
"""Forward, back to the data, back to the weights."""


def family(channels: int) -> dict[str, Callable[[], nn.Module]]:
    """For pictures of 28 x 28."""
    values = channels * 28 * 28
    return {
        "perceptron": partial(MLP, (values, 10)),
        "MLP 32": partial(MLP, (values, 32, 10)),
        "MLP 256, 128": partial(MLP, (values, 256, 128, 10)),
        "LeNet-5": partial(LeNet5, channels=channels),
        "LeNet-5, ReLU": partial(LeNet5, channels=channels, modern=True),
        "course, 4 wide": partial(CourseMNIST, channels=channels, width=4),
        "course, 8 wide": partial(CourseMNIST, channels=channels, width=8),
        "course, 16 wide": partial(CourseMNIST, channels=channels, width=16),
    }


@dataclass(frozen=True)
class Settings:
    seed: int = 0
    learned: int = 10000
    unseen: int = 2000
    batch: int = 50
    steps: int = 400
    rate: float = 1e-3
    goal: float = 0.9
    every: int = 20


def run(settings: Settings, data: Labelled, progress: Progress) -> Outcome:
    """[C9] Each network's operations for a picture, accuracy in the end, and operations until the goal."""
    known = digits(data, settings.learned, settings.unseen)
    found, paths = {}, {}
    networks = family(known.x.shape[1])
    for done, (name, build) in enumerate(networks.items()):
        progress(done, len(networks), name)
        torch.manual_seed(settings.seed)
        net = build()
        operations = 2 * multiply_adds(net, known.x[:1])
        steps, accuracies = _learn(net, known, settings)
        spent = [PASSES * operations * settings.batch * step for step in steps]
        reached = [cost for cost, accuracy in zip(spent, accuracies, strict=True) if accuracy >= settings.goal]
        paths[name] = (spent, accuracies)
        found[name] = {
            "operations": operations,
            "parameters": sum(p.numel() for p in net.parameters()),
            "accuracy": measure(net, known.unseen_x, known.unseen_labels)[0],
            "operations to the goal": reached[0] if reached else None,
        }
    return Outcome({"networks": found, "goal": settings.goal}, _claims(settings, found), _draw(settings, found, paths))


def _learn(net: nn.Module, known: Digits, settings: Settings) -> tuple[list[int], list[float]]:
    """Steps, and the accuracy on a part of the unseen digits after them."""
    optimiser = torch.optim.Adam(net.parameters(), settings.rate, fused=True)
    steps, accuracies = [], []
    some = slice(0, min(500, len(known.unseen_x)))

    def look(step: int, loss: float) -> None:
        if (step + 1) % settings.every == 0:
            steps.append(step + 1)
            accuracies.append(measure(net, known.unseen_x[some], known.unseen_labels[some])[0])

    fit(net, known, optimiser, settings.steps, settings.batch, settings.seed, look)
    return steps, accuracies


def _claims(settings: Settings, found) -> tuple[Claim, ...]:  # type: ignore[no-untyped-def]
    best = max(found, key=lambda name: found[name]["accuracy"])
    per_operation = max(found, key=lambda name: found[name]["accuracy"] / found[name]["operations"])
    dense, convolutions = found["MLP 256, 128"], found["course, 8 wide"]
    reached = {name: f["operations to the goal"] for name, f in found.items() if f["operations to the goal"]}
    cheapest = min(reached, key=lambda name: reached[name]) if reached else None
    return (
        Claim(
            "S4",
            "accuracy grows with operations, at very different prices",
            f"{best} has most, {found[best]['accuracy']:.1%} at {found[best]['operations'] / 1e6:.1f} M operations; "
            f"{per_operation} most for its operations, {found[per_operation]['accuracy']:.1%} at "
            f"{found[per_operation]['operations'] / 1e6:.2f} M",
            found[best]["operations"] > found[per_operation]["operations"],
        ),
        Claim(
            "S4",
            "compute to a fixed accuracy differs by orders of magnitude",
            f"to {settings.goal:.0%}: "
            + (f"{reached[cheapest]:.2g} ({cheapest}) to {max(reached.values()):.2g}" if cheapest else "none arrives"),
            cheapest is not None and max(reached.values()) > 10 * reached[cheapest],
        ),
        Claim(
            "S1",
            "convolutions are a strong prior",
            f"course, 8 wide {convolutions['accuracy']:.1%} with {convolutions['parameters']:,} parameters, "
            f"dense {dense['accuracy']:.1%} with {dense['parameters']:,}",
            convolutions["accuracy"] > dense["accuracy"],
        ),
    )


def _draw(settings: Settings, found, paths):  # type: ignore[no-untyped-def]
    figure, axes = sheet(1, 2, 5.2, 4)
    for number, entry in enumerate(found.values()):
        colour = COLOURS[number % len(COLOURS)]
        size = 8 * (entry["parameters"] / 1000) ** 0.5 + 12
        axes[0, 0].scatter(entry["operations"], entry["accuracy"], s=size, color=colour, alpha=0.7)
    axes[0, 0].set_xscale("log")
    axes[0, 0].margins(x=0.25)
    label(axes[0, 0], "colours as beside; area: root of the parameters", "operations for one picture", "accuracy")
    curves(axes[0, 1], paths, "while learning", "operations of training", "accuracy", log="x")
    axes[0, 1].axhline(settings.goal, color="#999999", linewidth=0.8, linestyle="--")
    return figure


EXPERIMENT = Experiment(
    row="C9",
    run=run,
    usual=Settings(),
    small=Settings(learned=160, unseen=40, batch=10, steps=10, every=5, goal=0.1),
    full=Settings(learned=50000, unseen=10000, steps=5000, batch=128, every=100, goal=0.98),
    needs="digits",
    takes_colour=True,
)
