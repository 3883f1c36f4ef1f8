"""Plain nets degrade with depth, residual ones do not [C11].

Chains of 3x3 convolutions of one width on digits at half size, batch norm in both kinds; what differs is the way around
every two layers.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pellucid.learn.data.labelled import Labelled
from pellucid.learn.experiments.digits import Digits, digits, fit, measure
from pellucid.learn.experiments.drawing import curves, sheet, smooth
from pellucid.learn.experiments.experiment import Claim, Experiment, Outcome, Progress


@dataclass(frozen=True)
class Settings:
    seed: int = 0
    depths: tuple[int, ...] = (4, 16, 40)
    width: int = 8
    learned: int = 5000
    unseen: int = 1000
    batch: int = 32
    steps: int = 160
    rate: float = 0.05


class Block(nn.Module):
    """Two convolutions, and around them nothing or the input."""

    def __init__(self, width: int, around: bool) -> None:
        super().__init__()
        self.around = around
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.layers(x)
        return torch.relu(y + x if self.around else y)


def chain(depth: int, width: int, around: bool) -> nn.Sequential:
    """`depth` convolutions in blocks of two, behind one that widens and before a mean over the picture."""
    head = nn.Sequential(
        nn.AvgPool2d(2), nn.Conv2d(1, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
    )
    net = nn.Sequential(
        head,
        *(Block(width, around) for _ in range(depth // 2)),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(4 * width, 10),
    )
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return net


def run(settings: Settings, data: Labelled, progress: Progress) -> Outcome:
    """[C11] Cross-entropy while learning and accuracy on unseen digits, by depth."""
    known = digits(data, settings.learned, settings.unseen)
    found: dict[str, dict[str, dict[str, float]]] = {"plain": {}, "residual": {}}
    lines: dict[str, dict[str, tuple[range, list[float]]]] = {"plain": {}, "residual": {}}
    done, total = 0, 2 * sum(settings.depths)
    for kind in found:
        for depth in settings.depths:
            progress(done, total, f"{kind}, {depth} layers")
            losses, entry = _learn(kind == "residual", depth, known, settings)
            found[kind][str(depth)] = entry
            lines[kind][f"{depth} layers"] = (range(1, len(losses) + 1), list(smooth(losses, 20)))
            done += depth
    figure, axes = sheet(1, 2, 4.4, 3.4)
    top = max(max(values[len(values) // 10 :]) for of in lines.values() for _, values in of.values())
    for place, (kind, of) in zip(axes[0], lines.items(), strict=True):
        curves(place, of, kind, "step", "cross-entropy, learned from")
        place.set_ylim(0, top)
    return Outcome(found, _claims(settings, found), figure)


def _learn(around: bool, depth: int, known: Digits, settings: Settings) -> tuple[list[float], dict[str, float]]:
    torch.manual_seed(settings.seed)
    net = chain(depth, settings.width, around)
    optimiser = torch.optim.SGD(net.parameters(), settings.rate, momentum=0.9)
    losses = fit(net, known, optimiser, settings.steps, settings.batch, settings.seed)
    _settle(net, known.x[:500])
    accuracy, _ = measure(net, known.unseen_x, known.unseen_labels)
    return losses, {"last loss": float(smooth(losses, 20)[-1]), "accuracy": accuracy}


@torch.no_grad()
def _settle(net: nn.Module, x: Tensor) -> None:
    """Statistics of what was learned from, exact after training: running ones lag behind in so short a training."""
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None
    net.train()
    for part in x.split(100):
        net(part)


def _claims(settings: Settings, found) -> tuple[Claim, ...]:  # type: ignore[no-untyped-def]
    few, many = str(settings.depths[0]), str(settings.depths[-1])
    plain, residual = found["plain"], found["residual"]
    return (
        Claim(
            "S4",
            "even with normalisation, error grows again with depth",
            f"plain, {few} layers: loss {plain[few]['last loss']:.2f}, {plain[few]['accuracy']:.1%} right; "
            f"{many}: {plain[many]['last loss']:.2f}, {plain[many]['accuracy']:.1%}",
            plain[many]["last loss"] > plain[few]["last loss"],
        ),
        Claim(
            "S4",
            "with residual connections depth is no limit",
            f"residual, {few} layers: loss {residual[few]['last loss']:.2f}, {residual[few]['accuracy']:.1%} right; "
            f"{many}: {residual[many]['last loss']:.2f}, {residual[many]['accuracy']:.1%}",
            residual[many]["last loss"] < residual[few]["last loss"] + 0.05,
        ),
    )


EXPERIMENT = Experiment(
    row="C11",
    run=run,
    usual=Settings(),
    small=Settings(depths=(2, 4), width=4, learned=160, unseen=40, batch=10, steps=6),
    full=Settings(depths=(8, 20, 56), width=16, learned=50000, unseen=10000, batch=128, steps=2000, rate=0.1),
    needs="digits",
)
