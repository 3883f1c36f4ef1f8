"""Batch size against gradient noise, cost and generalisation [C11]."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pellucid.learn.data.labelled import Labelled
from pellucid.learn.experiments.digits import Digits, digits, fit, measure
from pellucid.learn.experiments.drawing import curves, sheet
from pellucid.learn.experiments.experiment import Claim, Experiment, Outcome, Progress
from pellucid.learn.networks.perceptron import MLP


@dataclass(frozen=True)
class Settings:
    seed: int = 0
    width: int = 100
    learned: int = 3000
    unseen: int = 2000
    batches: tuple[int, ...] = (10, 30, 100, 300, 1000)
    goal: float = 0.03
    steps: int = 2500
    rate: float = 0.1
    draws: int = 30


def run(settings: Settings, data: Labelled, progress: Progress) -> Outcome:
    """[C11] Noise of the gradient by batch size; then, learned to the same loss at one rate, accuracy and sharpness."""
    known = digits(data, settings.learned, settings.unseen)
    torch.manual_seed(settings.seed)
    start = MLP((known.x[0].numel(), settings.width, 10))
    noise, found = [], {}
    for done, batch in enumerate(settings.batches):
        progress(done, len(settings.batches), f"batches of {batch}")
        noise.append(gradient_noise(start, known, batch, settings))
        net = copy.deepcopy(start)
        steps = _learn(net, known, batch, settings)
        seen, unseen = measure(net, known.x, known.labels), measure(net, known.unseen_x, known.unseen_labels)
        found[str(batch)] = {
            "steps": steps,
            "pictures": steps * batch,
            "loss seen": seen[1],
            "accuracy seen": seen[0],
            "accuracy unseen": unseen[0],
            "sharpness": sharpness(net, known, settings),
        }
    slope = _slope(settings.batches, noise)
    figure, axes = sheet(1, 3, 3.6, 3.1)
    theory = [noise[0] * (settings.batches[0] / b) ** 0.5 for b in settings.batches]
    lines = {"measured": (settings.batches, noise), "1 / sqrt(M)": (settings.batches, theory)}
    curves(axes[0, 0], lines, "noise of the gradient, of its length", "batch size M", "", log="xy", marks="o")
    for place, keys, title in (
        (axes[0, 1], ("accuracy seen", "accuracy unseen"), f"learned to a loss of {settings.goal:g}"),
        (axes[0, 2], ("sharpness",), "loss gained by a random move"),
    ):
        lines = {key: (settings.batches, [entry[key] for entry in found.values()]) for key in keys}
        curves(place, lines, title, "batch size M", "", log="x", marks="o")
    figures = {"batch size": list(settings.batches), "noise of the gradient": noise, "slope of noise": slope,
               "learned to the same loss": found}  # fmt: skip
    return Outcome(figures, _claims(settings, slope, found), figure)


def _learn(net: nn.Module, known: Digits, batch: int, settings: Settings) -> int:
    """Steps until the running mean of the loss is at the goal."""
    running = 3.0

    def arrived(step: int, loss: float) -> bool:
        nonlocal running
        running += (loss - running) * min(1.0, 4 * batch / len(known.x))
        return running <= settings.goal

    optimiser = torch.optim.SGD(net.parameters(), settings.rate)
    return len(fit(net, known, optimiser, settings.steps, batch, settings.seed, arrived))


def gradient_noise(net: nn.Module, known: Digits, batch: int, settings: Settings) -> float:
    """How far gradients of batches are from the one of all pictures, over the length of that one."""
    random = torch.Generator().manual_seed(settings.seed)
    whole = _gradient(net, known.x, known.labels)
    apart = 0.0
    for _ in range(settings.draws):
        chosen = torch.randint(len(known.x), (batch,), generator=random)
        apart += float((_gradient(net, known.x[chosen], known.labels[chosen]) - whole).square().sum())
    return (apart / settings.draws) ** 0.5 / float(whole.norm())


def _gradient(net: nn.Module, x: Tensor, labels: Tensor) -> Tensor:
    loss = nn.functional.cross_entropy(net(x), labels)
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(net.parameters()))])


@torch.no_grad()
def sharpness(net: nn.Module, known: Digits, settings: Settings, share: float = 0.2) -> float:
    """Mean growth of the loss seen, when each layer's weights move at random by a share of their own length."""
    random = torch.Generator().manual_seed(settings.seed)
    before, grown = measure(net, known.x, known.labels)[1], 0.0
    for _ in range(5):
        moved = copy.deepcopy(net)
        for p in moved.parameters():
            step = torch.randn(p.shape, generator=random)
            p.add_(step, alpha=float(share * p.norm() / step.norm()))
        grown += measure(moved, known.x, known.labels)[1] - before
    return grown / 5


def _slope(batches: tuple[int, ...], noise: list[float]) -> float:
    """Of the noise against the batch, both in logarithms."""
    x, y = torch.tensor(batches, dtype=torch.float64).log(), torch.tensor(noise, dtype=torch.float64).log()
    return float(((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum())


def _claims(settings: Settings, slope: float, found) -> tuple[Claim, ...]:  # type: ignore[no-untyped-def]
    small, large = found[str(settings.batches[0])], found[str(settings.batches[-1])]
    return (
        Claim("S0", "precision of the gradient grows with sqrt(M) only", f"noise falls with M^{slope:.2f}",
              -0.6 < slope < -0.4),
        Claim("S0", "small batches suffice: steps cost O(M)",
              f"pictures to a loss of {settings.goal:g}: {small['pictures']:,} by {settings.batches[0]}, "
              f"{large['pictures']:,} by {settings.batches[-1]}", small["pictures"] < large["pictures"]),
        Claim("S0", "large batches don't generalise",
              f"unseen: {small['accuracy unseen']:.1%} by {settings.batches[0]}, "
              f"{large['accuracy unseen']:.1%} by {settings.batches[-1]}",
              small["accuracy unseen"] > large["accuracy unseen"]),
        Claim("S0", "because they end in sharp minima",
              f"loss gained by a random move: {small['sharpness']:.4f} and {large['sharpness']:.4f}",
              large["sharpness"] > small["sharpness"]),
    )  # fmt: skip


EXPERIMENT = Experiment(
    row="C11",
    run=run,
    usual=Settings(),
    small=Settings(width=10, learned=160, unseen=40, batches=(10, 40), steps=10, draws=5),
    full=Settings(learned=50000, unseen=10000, steps=20000),
    needs="digits",
)
