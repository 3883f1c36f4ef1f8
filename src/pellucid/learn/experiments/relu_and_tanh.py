"""ReLU against tanh [C11]: steps to a given error on what is learned from, each at the rate that serves it best."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from pellucid.learn.data.labelled import Labelled
from pellucid.learn.experiments.digits import Digits, digits, fit, measure
from pellucid.learn.experiments.drawing import curves, sheet
from pellucid.learn.experiments.experiment import Claim, Experiment, Outcome, Progress


@dataclass(frozen=True)
class Settings:
    seed: int = 0
    width: int = 8
    learned: int = 5000
    unseen: int = 1000
    batch: int = 50
    steps: int = 300
    goal: float = 0.05
    every: int = 10
    rates: tuple[float, ...] = (0.02, 0.06, 0.2)


ACTIVATIONS: dict[str, tuple[type[nn.Module], float]] = {
    "ReLU": (nn.ReLU, 2.0),
    "tanh": (nn.Tanh, 1.0),
    "sigmoid": (nn.Sigmoid, 1.0),
}
"""With the K Var(w) of their starts."""


def build(kind: str, settings: Settings) -> nn.Sequential:
    """Three convolutions and two dense layers: four activations in all."""
    activation, gain = ACTIVATIONS[kind]
    w = settings.width
    net = nn.Sequential(
        nn.Conv2d(1, w, 3, 2, 1), activation(),  # 14 x 14
        nn.Conv2d(w, 2 * w, 3, 2, 1), activation(),  # 7 x 7
        nn.Conv2d(2 * w, 2 * w, 3, 1, 1), activation(),
        nn.Flatten(),
        nn.Linear(49 * 2 * w, 64), activation(),
        nn.Linear(64, 10),
    )  # fmt: skip
    for layer in net.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            assert layer.bias is not None
            nn.init.normal_(layer.weight, std=(gain / layer.weight[0].numel()) ** 0.5)
            nn.init.zeros_(layer.bias)
    return net


def run(settings: Settings, data: Labelled, progress: Progress) -> Outcome:
    """[C11] Error on what is learned from, while learning; steps until it is at the goal."""
    known = digits(data, settings.learned, settings.unseen)
    found, lines = {}, {}
    for i, kind in enumerate(ACTIVATIONS):
        tries = []
        for j, rate in enumerate(settings.rates):
            progress(i * len(settings.rates) + j, len(ACTIVATIONS) * len(settings.rates), f"{kind} at {rate:g}")
            tries.append((*_learn(kind, rate, known, settings), rate))
        steps, errors, rate = min(tries, key=lambda t: (_arrival(t[0], t[1], settings.goal), t[1][-1]))
        arrived = _arrival(steps, errors, settings.goal)
        found[kind] = {
            "rate": rate,
            "steps": int(arrived) if arrived < float("inf") else None,
            "last error": errors[-1],
        }
        lines[kind] = (steps, errors)
    figure, axes = sheet(1, 1, 4.8, 3.4)
    curves(axes[0, 0], lines, "each at its best rate", "step", "error on what is learned from", log="y")
    axes[0, 0].axhline(settings.goal, color="#999999", linestyle="--", linewidth=0.8)
    return Outcome({"goal": settings.goal, "activations": found}, _claims(settings, found), figure)


def _learn(kind: str, rate: float, known: Digits, settings: Settings) -> tuple[list[int], list[float]]:
    torch.manual_seed(settings.seed)
    net = build(kind, settings)
    steps, errors = [], []
    some = slice(0, 1000)

    def look(step: int, loss: float) -> None:
        if (step + 1) % settings.every == 0:
            steps.append(step + 1)
            errors.append(1 - measure(net, known.x[some], known.labels[some])[0])

    optimiser = torch.optim.SGD(net.parameters(), rate, momentum=0.9)
    fit(net, known, optimiser, settings.steps, settings.batch, settings.seed, look)
    return steps, errors or [1.0]


def _arrival(steps: list[int], errors: list[float], goal: float) -> float:
    return next((step for step, error in zip(steps, errors, strict=False) if error <= goal), float("inf"))


def _claims(settings: Settings, found) -> tuple[Claim, ...]:  # type: ignore[no-untyped-def]
    def told(kind: str) -> str:
        steps = found[kind]["steps"]
        return f"{kind} {'does not arrive in ' + str(settings.steps) if steps is None else steps}"

    relu, tanh = found["ReLU"]["steps"], found["tanh"]["steps"]
    return (
        Claim("S3", "ReLU needs a sixth of tanh's steps, there on CIFAR-10",
              f"steps to {settings.goal:.0%} error: {told('ReLU')}, {told('tanh')}",
              relu is not None and (tanh is None or tanh > 3 * relu)),
        Claim("S3", "tanh is preferable to sigmoid", f"{told('tanh')}, {told('sigmoid')}",
              tanh is not None and (found["sigmoid"]["steps"] is None or found["sigmoid"]["steps"] > tanh)),
    )  # fmt: skip


EXPERIMENT = Experiment(
    row="C11",
    run=run,
    usual=Settings(),
    small=Settings(width=2, learned=160, unseen=40, batch=10, steps=10, every=5, rates=(0.05,)),
    full=Settings(width=16, learned=50000, unseen=10000, batch=128, steps=2000, goal=0.01),
    needs="digits",
)
