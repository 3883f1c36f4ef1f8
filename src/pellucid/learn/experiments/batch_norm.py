"""What batch normalisation does [C11]: against starts, rates and sigmoids, and its trouble with a single sample.

Three hidden layers of a hundred sigmoids on digits, as in Ioffe and Szegedy's first experiment, with and without.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pellucid.learn.data.labelled import Labelled
from pellucid.learn.experiments.digits import Digits, digits, fit, measure
from pellucid.learn.experiments.drawing import curves, sheet
from pellucid.learn.experiments.experiment import Claim, Experiment, Outcome, Progress


@dataclass(frozen=True)
class Settings:
    seed: int = 0
    width: int = 100
    hidden: int = 3
    learned: int = 10000
    unseen: int = 2000
    batch: int = 60
    steps: int = 250
    rate: float = 0.3
    deviations: tuple[float, ...] = (0.001, 0.01, 0.1, 1.0)
    rates: tuple[float, ...] = (0.01, 0.1, 1.0, 10.0)
    learns: float = 0.8


ACTIVATIONS: dict[str, type[nn.Module]] = {"sigmoid": nn.Sigmoid, "ReLU": nn.ReLU}


def build(settings: Settings, inputs: int, norm: bool, activation: str, deviation: float | None) -> nn.Sequential:
    """`deviation` of the first weights; None is Glorot's or He's."""
    sizes = [inputs] + [settings.width] * settings.hidden
    layers: list[nn.Module] = [nn.Flatten()]
    for a, b in zip(sizes, sizes[1:], strict=False):
        dense = nn.Linear(a, b)
        usual = (2 / a) ** 0.5 if activation == "ReLU" else (2 / (a + b)) ** 0.5
        nn.init.normal_(dense.weight, std=usual if deviation is None else deviation)
        nn.init.zeros_(dense.bias)
        layers += [dense, *([nn.BatchNorm1d(b)] if norm else []), ACTIVATIONS[activation]()]
    return nn.Sequential(*layers, nn.Linear(settings.width, 10))


def run(settings: Settings, data: Labelled, progress: Progress) -> Outcome:
    """[C11] Accuracy on unseen digits, with and without, over starts, rates and activations; and one sample."""
    known = digits(data, settings.learned, settings.unseen)
    total = 2 * (len(settings.deviations) + len(settings.rates) + len(ACTIVATIONS))
    done = 0

    def accuracy(
        norm: bool, activation: str = "ReLU", deviation: float | None = None, rate: float | None = None
    ) -> float:
        nonlocal done
        progress(done, total, "with batch norm" if norm else "without")
        done += 1
        return _learn(norm, activation, deviation, settings.rate if rate is None else rate, known, settings)[1]

    both = {"with": True, "without": False}
    starts = {name: [accuracy(norm, deviation=d) for d in settings.deviations] for name, norm in both.items()}
    rates = {name: [accuracy(norm, rate=r) for r in settings.rates] for name, norm in both.items()}
    kinds = {name: {a: accuracy(norm, activation=a) for a in ACTIVATIONS} for name, norm in both.items()}
    net, _ = _learn(True, "ReLU", None, settings.rate, known, settings)
    one = one_sample(net, known.unseen_x, known.unseen_labels)
    figures = {"deviation": list(settings.deviations), "by deviation": starts, "rate": list(settings.rates),
               "by rate": rates, "by activation": kinds, "one sample at a time": one}  # fmt: skip
    figure, axes = sheet(1, 3, 3.8, 3.2)
    marks = {"log": "x", "marks": "o"}
    lines = {name: (settings.deviations, values) for name, values in starts.items()}
    curves(axes[0, 0], lines, "deviation of the first weights", "deviation", "accuracy", **marks)
    lines = {name: (settings.rates, values) for name, values in rates.items()}
    curves(axes[0, 1], lines, "learning rate", "rate", "accuracy", **marks)
    for number, (name, values) in enumerate({**kinds, "one sample": one}.items()):
        bars = axes[0, 2].bar([f"{name},\n{key}" for key in values], values.values(), color=f"C{number}")
        axes[0, 2].bar_label(bars, fmt="%.2f", fontsize=6)
    axes[0, 2].tick_params(labelsize=6, axis="x", rotation=45)
    axes[0, 2].set_title("accuracy", fontsize=9)
    return Outcome(figures, _claims(settings, starts, rates, kinds, one), figure)


def _learn(
    norm: bool, activation: str, deviation: float | None, rate: float, known: Digits, settings: Settings
) -> tuple[nn.Module, float]:
    torch.manual_seed(settings.seed)
    net = build(settings, known.x[0].numel(), norm, activation, deviation)
    fit(net, known, torch.optim.SGD(net.parameters(), rate), settings.steps, settings.batch, settings.seed)
    return net, measure(net, known.unseen_x, known.unseen_labels)[0]


@torch.no_grad()
def one_sample(net: nn.Module, x: Tensor, labels: Tensor) -> dict[str, float]:
    """Accuracy in evaluation mode, and in training mode where a batch is one picture, twice: its variance is zero."""
    net.eval()
    stored = (net(x).argmax(1) == labels).float().mean().item()
    net.train()
    alone = torch.cat([net(picture.expand(2, *picture.shape))[:1] for picture in x[:200]])
    return {"stored statistics": stored, "its own": (alone.argmax(1) == labels[:200]).float().mean().item()}


def _claims(settings: Settings, starts, rates, kinds, one) -> tuple[Claim, ...]:  # type: ignore[no-untyped-def]
    def spread(values: list[float]) -> str:
        return f"{min(values):.0%} to {max(values):.0%}"

    highest = {
        name: max((r for r, a in zip(settings.rates, accuracies, strict=True) if a >= settings.learns), default=0.0)
        for name, accuracies in rates.items()
    }
    return (
        Claim("S2", "less sensitive to initialisation",
              f"accuracy over starts: with {spread(starts['with'])}, without {spread(starts['without'])}",
              min(starts["with"]) > min(starts["without"])),
        Claim("S4", "higher learning rates possible",
              f"largest rate for {settings.learns:.0%}: {highest['with']:g} with, {highest['without']:g} without",
              highest["with"] > highest["without"]),
        Claim("S1", "allows sigmoid activations, faster convergence",
              f"sigmoid: with {kinds['with']['sigmoid']:.1%}, without {kinds['without']['sigmoid']:.1%}",
              kinds["with"]["sigmoid"] > kinds["without"]["sigmoid"]),
        Claim("S4", "zero variance for a single sample",
              f"by stored statistics {one['stored statistics']:.1%}, by the sample's own {one['its own']:.1%}",
              one["its own"] < one["stored statistics"]),
    )  # fmt: skip


EXPERIMENT = Experiment(
    row="C11",
    run=run,
    usual=Settings(),
    small=Settings(width=10, learned=160, unseen=40, batch=20, steps=8, deviations=(0.1,), rates=(0.1, 1.0)),
    full=Settings(learned=50000, unseen=10000, steps=5000),
    needs="digits",
)
