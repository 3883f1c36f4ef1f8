"""Polynomials with a penalty on their weights [A11]: ridge regression in closed form and as a net that descends.

A dozen noisy points of a sine, a polynomial with more terms than they bear out; and weight decay beside the penalty,
for plain gradient descent and for Adam.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from pellucid.learn.experiments.drawing import curves, label, sheet
from pellucid.learn.experiments.experiment import Claim, Experiment, Outcome, Progress
from pellucid.reference.regression import polynomial, ridge


@dataclass(frozen=True)
class Settings:
    seed: int = 0
    points: int = 15
    degree: int = 13
    noise: float = 0.25
    penalties: tuple[float, ...] = (0.0, 1e-8, 1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
    steps: int = 3000
    repeats: int = 30


def run(settings: Settings, data: None, progress: Progress) -> Outcome:
    """[A11] Errors against the penalty over many draws of noise; closed form beside a net; decay beside penalty."""
    progress(0, 2, "closed form")
    dense = np.linspace(-1, 1, 200)
    rng = np.random.default_rng(settings.seed)
    errors = {"seen": np.zeros(len(settings.penalties)), "unseen": np.zeros(len(settings.penalties))}
    for _ in range(settings.repeats):
        x, t = _points(rng, settings)
        for i, penalty in enumerate(settings.penalties):
            w = ridge(polynomial(x, settings.degree), t, penalty)
            errors["seen"][i] += np.mean((polynomial(x, settings.degree) @ w - t) ** 2) / settings.repeats
            truth = np.sin(np.pi * dense)
            errors["unseen"][i] += np.mean((polynomial(dense, settings.degree) @ w - truth) ** 2) / settings.repeats
    progress(1, 2, "as a net")
    best = int(np.argmin(errors["unseen"]))
    closed, net = _as_a_net(x, t, settings)
    apart = {kind: _decay_and_penalty(kind, x, t) for kind in ("SGD", "Adam")}
    figures = {
        "penalty": list(settings.penalties),
        "mean squared error": {name: list(map(float, values)) for name, values in errors.items()},
        "largest difference of a linear net from the closed form": float(np.abs(closed - net).max()),
        "weights apart, decay against penalty": apart,
    }
    curves_of = {f"{p:g}": polynomial(dense, settings.degree) @ ridge(polynomial(x, settings.degree), t, p)
                 for p in (0.0, settings.penalties[best], settings.penalties[-1])}  # fmt: skip
    figure, axes = sheet(1, 2, 4.6, 3.4)
    axes[0, 0].plot(x, t, "ko", markersize=4)
    for name, values in curves_of.items():
        axes[0, 0].plot(dense, values, label=f"penalty {name}")
    axes[0, 0].set_ylim(-2, 2)
    axes[0, 0].legend(fontsize=7)
    label(axes[0, 0], f"{settings.points} points, degree {settings.degree}", "x", "t")
    positive = np.maximum(settings.penalties, 1e-10)
    lines = {name: (positive, values) for name, values in errors.items()}
    title = f"mean of {settings.repeats} draws; left end: no penalty"
    curves(axes[0, 1], lines, title, "penalty", "mean squared error", log="xy", marks="o")
    return Outcome(figures, _claims(settings, errors, best, figures), figure)


def _points(rng: np.random.Generator, settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    x = np.linspace(-1, 1, settings.points)
    return x, np.sin(np.pi * x) + rng.normal(0, settings.noise, settings.points)


def _as_a_net(x: np.ndarray, t: np.ndarray, settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """Cubic ridge regression: the closed form's weights, and those of one linear layer after descending."""
    penalty = 0.1
    features, targets = polynomial(x, 3), t
    layer = nn.Linear(4, 1, bias=False).double()
    given, wanted = torch.from_numpy(features), torch.from_numpy(targets)[:, None]
    curvature = np.linalg.eigvalsh(features.T @ features + penalty * np.eye(4))[-1]
    optimiser = torch.optim.SGD(layer.parameters(), float(1 / curvature), weight_decay=penalty)
    for _ in range(settings.steps):
        optimiser.zero_grad()
        (((layer(given) - wanted) ** 2).sum() / 2).backward()
        optimiser.step()
    return ridge(features, targets, penalty), layer.weight.detach().numpy()[0]


def _decay_and_penalty(kind: str, x: np.ndarray, t: np.ndarray, rate: float = 0.01, strength: float = 0.5) -> float:
    """How far the weights of two lines are apart after 100 steps: one with the penalty, one that decays by itself."""
    given, wanted = torch.from_numpy(polynomial(x, 3)), torch.from_numpy(t)
    ends = []
    for decoupled in (False, True):
        w = torch.ones(4, dtype=torch.float64, requires_grad=True)
        optimiser = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam}[kind]([w], lr=rate)
        for _ in range(100):
            loss = ((given @ w - wanted) ** 2).sum() / 2
            if not decoupled:
                loss = loss + strength / 2 * (w**2).sum()
            optimiser.zero_grad()
            loss.backward()
            if decoupled:
                with torch.no_grad():
                    w.mul_(1 - rate * strength)
            optimiser.step()
        ends.append(w.detach())
    return float((ends[0] - ends[1]).abs().max())


def _claims(settings: Settings, errors, best: int, figures) -> tuple[Claim, ...]:  # type: ignore[no-untyped-def]
    unseen, apart = errors["unseen"], figures["weights apart, decay against penalty"]
    difference = figures["largest difference of a linear net from the closed form"]
    return (
        Claim(
            "S3",
            "a penalty keeps polynomial terms small that are not needed",
            f"error on unseen points: {unseen[0]:.2g} without, {unseen[best]:.2g} at {settings.penalties[best]:g}, "
            f"{unseen[-1]:.2g} at {settings.penalties[-1]:g}",
            unseen[best] < 0.5 * unseen[0] and unseen[best] < unseen[-1],
        ),
        Claim(
            "S3", "regression is a net of one linear layer", f"weights differ by {difference:.1g}", difference < 1e-3
        ),
        Claim(
            "S1",
            "decay and square prior are the same for plain SGD",
            f"weights apart after 100 steps: SGD {apart['SGD']:.1g}, Adam {apart['Adam']:.1g}",
            apart["SGD"] < 1e-9 < apart["Adam"],
        ),
    )


EXPERIMENT = Experiment(row="A11", run=run, usual=Settings(), small=Settings(steps=30, repeats=2))
