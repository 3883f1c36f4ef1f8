"""Deep fully connected networks [B12]: SELU, whose fixed point holds mean and variance, against batch normalisation."""

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
    depth: int = 16
    width: int = 128
    learned: int = 20000
    unseen: int = 2000
    batch: int = 100
    steps: int = 400
    rates: tuple[float, ...] = (0.005, 0.02)


KINDS = ("SELU", "ReLU and batch norm", "ReLU", "tanh", "sigmoid")


class Deep(nn.Module):
    """`depth` layers of one width and a head; each kind with the start its theory asks for [A12]."""

    def __init__(self, kind: str, inputs: int, settings: Settings) -> None:
        super().__init__()
        widths = [inputs] + [settings.width] * settings.depth
        layers: list[nn.Module] = [nn.Flatten()]
        for a, b in zip(widths, widths[1:], strict=False):
            layers += [_started(nn.Linear(a, b), 2 if kind.startswith("ReLU") else 1), *_after(kind, b)]
        self.layers = nn.Sequential(*layers, _started(nn.Linear(settings.width, 10), 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)

    @torch.no_grad()
    def moments(self, x: Tensor) -> list[tuple[float, float]]:
        """Mean and variance of what every hidden layer hands on."""
        found = []
        for layer, reader in zip(self.layers, list(self.layers)[1:], strict=False):
            x = layer(x)
            if isinstance(reader, nn.Linear) and not isinstance(layer, nn.Flatten):
                found.append((x.mean().item(), x.var().item()))
        return found


def _started(layer: nn.Linear, gain: float) -> nn.Linear:
    nn.init.normal_(layer.weight, std=(gain / layer.in_features) ** 0.5)
    nn.init.zeros_(layer.bias)
    return layer


def _after(kind: str, width: int) -> list[nn.Module]:
    """Batch norm stands before the activation, as usual."""
    plain: dict[str, nn.Module] = {"SELU": nn.SELU(), "ReLU": nn.ReLU(), "tanh": nn.Tanh(), "sigmoid": nn.Sigmoid()}
    return [plain[kind]] if kind in plain else [nn.BatchNorm1d(width), nn.ReLU()]


def run(settings: Settings, data: Labelled, progress: Progress) -> Outcome:
    """[B12] Each kind at the rate of a few that serves it best: loss, accuracy, moments after learning."""
    known = digits(data, settings.learned, settings.unseen)
    curve, figures = {}, {}
    moments: dict[str, dict[str, list[tuple[float, float]]]] = {"at the start": {}, "in the end": {}}
    for done, kind in enumerate(KINDS):
        best = None
        for i, rate in enumerate(settings.rates):
            progress(done * len(settings.rates) + i, len(KINDS) * len(settings.rates), f"{kind} at {rate:g}")
            net, start, losses, accuracy = _learn(kind, rate, known, settings)
            if best is None or accuracy > best[-1]:
                best = (rate, net, start, losses, accuracy)
        assert best is not None
        rate, net, start, losses, accuracy = best
        curve[kind] = (range(1, len(losses) + 1), smooth(losses, 25))
        moments["at the start"][kind] = start
        moments["in the end"][kind] = net.moments(known.unseen_x)
        figures[kind] = {"rate": rate, "accuracy": accuracy, "last loss": float(curve[kind][1][-1])}
    figure, axes = sheet(1, 3, 3.8, 3.2)
    curves(axes[0, 0], curve, f"{settings.depth} layers of {settings.width}", "step", "cross-entropy", log="y")
    for place, (when, found) in zip(axes[0, 1:], moments.items(), strict=True):
        lines = {kind: (range(1, len(path) + 1), [v for _, v in path]) for kind, path in found.items()}
        curves(place, lines, f"variance {when}", "layer", "variance", log="y")
        place.get_legend().remove()  # it would lie on the lines, whose colours the first panel names
    return Outcome({"kinds": figures, "moments": moments}, _claims(settings, figures, moments), figure)


def _learn(kind: str, rate: float, known: Digits, settings: Settings):  # type: ignore[no-untyped-def]
    torch.manual_seed(settings.seed)
    net = Deep(kind, known.x[0].numel(), settings)
    start = net.moments(known.unseen_x)
    optimiser = torch.optim.SGD(net.parameters(), rate, momentum=0.9)
    losses = fit(net, known, optimiser, settings.steps, settings.batch, settings.seed)
    return net, start, losses, measure(net, known.unseen_x, known.unseen_labels)[0]


def _claims(settings: Settings, figures, moments) -> tuple[Claim, ...]:  # type: ignore[no-untyped-def]
    selu, norm = figures["SELU"]["accuracy"], figures["ReLU and batch norm"]["accuracy"]
    mean, variance = moments["at the start"]["SELU"][-1]
    return (
        Claim(
            "S1",
            "SELU makes deep fully connected networks possible",
            f"{settings.depth} layers: {selu:.1%}; with batch norm {norm:.1%}, plain ReLU "
            f"{figures['ReLU']['accuracy']:.1%}, tanh {figures['tanh']['accuracy']:.1%}",
            selu > 0.9,
        ),
        Claim(
            "S1",
            "mean 0 and variance 1 are a fixed point that attracts",
            f"after {settings.depth} untrained layers mean {mean:.2f}, variance {variance:.2f}",
            abs(mean) < 0.2 and 0.6 < variance < 1.5,
        ),
        Claim(
            "S1",
            "ReLU rather than sigmoid in deep networks",
            f"sigmoid {figures['sigmoid']['accuracy']:.1%}, ReLU {figures['ReLU']['accuracy']:.1%}",
            figures["ReLU"]["accuracy"] > figures["sigmoid"]["accuracy"],
        ),
    )


EXPERIMENT = Experiment(
    row="B12",
    run=run,
    usual=Settings(),
    small=Settings(depth=4, width=16, learned=160, unseen=40, batch=20, steps=20, rates=(0.01,)),
    full=Settings(depth=32, width=256, learned=50000, unseen=10000, steps=4000),
    needs="digits",
)
