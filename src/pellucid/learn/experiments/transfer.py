"""Transfer learning [C10]: what was learned of one half of the digits, put to use on the other half.

LeNet-5 learns 0 to 4. Then its dense layers are replaced by fresh ones that learn 5 to 9 while the rest is frozen, and
at last all but the first layer learns on with a tenth of the rate. Beside it stand a network that learns 5 to 9 from
scratch, in as many steps, and one that is spared nothing: new dense layers, everything at the full rate at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from pellucid.learn.data.labelled import Labelled
from pellucid.learn.experiments.digits import Digits, digits, fit, measure
from pellucid.learn.experiments.drawing import curves, sheet
from pellucid.learn.experiments.experiment import Claim, Experiment, Outcome, Progress
from pellucid.learn.networks.lenet import LeNet5

KNOWN, NEW = [0, 1, 2, 3, 4], [5, 6, 7, 8, 9]
LAYERS = 5
"""Of LeNet-5, with weights; so many replaced is from scratch."""
HEAD = 3
"""Its dense layers, which are replaced unless said otherwise."""


@dataclass(frozen=True)
class Settings:
    """`steps` for the new layers alone, as many again for what is unfrozen; `pictures` of each new class."""

    seed: int = 0
    draws: int = 2
    source: int = 15000
    source_steps: int = 500
    pictures: tuple[int, ...] = (10, 100, 1000)
    unseen: int = 2000
    steps: int = 200
    batch: int = 50
    rate: float = 2e-3
    curve: int = 12


Path = tuple[list[int], list[float]]
"""Steps, and the accuracy after each."""

WAYS = ("from scratch", "new head, rest frozen", "then a tenth of the rate", "nothing frozen, full rate")


def run(settings: Settings, data: Labelled, progress: Progress) -> Outcome:
    """[C10] Accuracy on unseen pictures of the new classes, against pictures a class, layers replaced, and steps."""
    total = 1 + settings.draws * len(settings.pictures)
    progress(0, total, "learning the first half")
    source = digits(data.of_classes(KNOWN), settings.source, min(settings.unseen, 500))
    target = digits(data.of_classes(NEW), len(NEW) * max(settings.pictures), settings.unseen)
    learned = _learned(source, settings)
    known = measure(learned, source.unseen_x, source.unseen_labels)[0]
    ways = {way: np.zeros((settings.draws, len(settings.pictures))) for way in WAYS}
    replaced = np.zeros((settings.draws, len(settings.pictures), LAYERS))
    paths: dict[str, Path] = {}
    few_pictures, many_pictures = min(settings.pictures), max(settings.pictures)
    for draw in range(settings.draws):
        for i, n in enumerate(settings.pictures):
            progress(1 + draw * len(settings.pictures) + i, total, f"{n} pictures a class")
            few = replace(settings, seed=settings.seed + draw)
            part = some_of(target, n, few.seed)
            for k in range(1, LAYERS + 1):
                watched = draw == 0 and k in (HEAD, LAYERS) and n in (few_pictures, many_pictures)
                frozen, replaced[draw, i, k - 1], path = transferred(learned, k, part, few, watched)
                if watched:
                    paths[f"{n}, {'from scratch' if k == LAYERS else 'transfer'}"] = path
                if k == HEAD:
                    ways[WAYS[1]][draw, i], ways[WAYS[2]][draw, i] = frozen, replaced[draw, i, k - 1]
            ways[WAYS[0]][draw, i] = replaced[draw, i, -1]
            ways[WAYS[3]][draw, i] = unprotected(learned, part, few)
    means = {way: found.mean(axis=0).tolist() for way, found in ways.items()}
    by_layers = dict(zip(map(str, settings.pictures), replaced.mean(axis=0).tolist(), strict=True))
    figures = {
        "pictures a class": list(settings.pictures),
        "accuracy": means,
        "accuracy by layers replaced, 1 to 5": by_layers,
        "accuracy on the first half": known,
    }
    return Outcome(figures, _claims(settings, means, by_layers), _draw(settings, means, by_layers, paths))


def some_of(data: Digits, n: int, seed: int) -> Digits:
    """`n` pictures of each class, others for every seed."""
    order = torch.randperm(len(data.x), generator=torch.Generator().manual_seed(seed))
    chosen = torch.cat([order[data.labels[order] == label][:n] for label in data.labels.unique()])
    return replace(data, x=data.x[chosen], labels=data.labels[chosen])


def with_fresh(learned: LeNet5, k: int, seed: int) -> tuple[LeNet5, list[nn.Module]]:
    """A copy whose last `k` layers are drawn anew; and all layers that have weights, first to last."""
    torch.manual_seed(seed)
    net = LeNet5(len(NEW), modern=True)
    layers = [layer for layer in net.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
    old = [layer for layer in learned.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
    for layer, known in list(zip(layers, old, strict=True))[: LAYERS - k]:
        layer.load_state_dict(known.state_dict())
    return net, list(layers)


def transferred(
    learned: LeNet5, k: int, data: Digits, settings: Settings, watched: bool = False
) -> tuple[float, float, Path]:
    """Accuracy with all but the last `k` layers frozen, then after learning on; and the way there, if watched.

    With all layers replaced there is nothing to protect: all of them learn at the full rate to the end.
    """
    net, layers = with_fresh(learned, k, settings.seed)
    path: Path | None = ([], []) if watched else None
    kept = layers[: LAYERS - k]
    for layer in kept:
        layer.requires_grad_(False)
    frozen = _fit(net, data, settings, settings.rate, 0, path)
    for layer in kept[1:]:  # the first layer's edges serve any picture
        layer.requires_grad_(True)
    tuned = _fit(net, data, settings, settings.rate if k == LAYERS else settings.rate / 10, settings.steps, path)
    return frozen, tuned, path or ([], [])


def unprotected(learned: LeNet5, data: Digits, settings: Settings) -> float:
    """A fresh head, and everything learning at once."""
    net, _ = with_fresh(learned, HEAD, settings.seed)
    _fit(net, data, settings, settings.rate, 0)
    return _fit(net, data, settings, settings.rate, settings.steps)


def _learned(source: Digits, settings: Settings) -> LeNet5:
    torch.manual_seed(settings.seed)
    net = LeNet5(len(KNOWN), modern=True)
    optimiser = torch.optim.Adam(net.parameters(), settings.rate)
    fit(net, source, optimiser, settings.source_steps, settings.batch, settings.seed)
    return net


def _fit(net: LeNet5, data: Digits, settings: Settings, rate: float, done: int, path: Path | None = None) -> float:
    """Learns what may be learned for as many steps as one stage has; measures now and then, and at the end."""
    optimiser = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], rate)
    every = max(1, settings.steps // settings.curve)

    def watch(step: int, _: float) -> None:
        if path is not None and step % every == 0:
            path[0].append(done + step + 1)
            path[1].append(measure(net, data.unseen_x[:500], data.unseen_labels[:500])[0])

    fit(net, data, optimiser, settings.steps, min(settings.batch, len(data.x)), settings.seed, watch)
    return measure(net, data.unseen_x, data.unseen_labels)[0]


def _claims(settings: Settings, means: dict[str, list[float]], by_layers: dict[str, list[float]]) -> tuple[Claim, ...]:
    scratch, frozen, tuned, rough = (means[way] for way in WAYS)
    few, many = settings.pictures[0], settings.pictures[-1]
    best = {n: 1 + int(np.argmax(found)) for n, found in by_layers.items()}
    return (
        Claim(
            "S4",
            "knowledge is transferred: replace the specialised layers and train only those",
            f"{few} pictures a class: {frozen[0]:.1%} with a new head alone, {scratch[0]:.1%} from scratch",
            frozen[0] > scratch[0],
        ),
        Claim(
            "S4",
            "then unfreeze upper layers and go on with a tenth of the rate",
            f"{frozen[0]:.1%} becomes {tuned[0]:.1%} with {few} pictures, {frozen[-1]:.1%} becomes {tuned[-1]:.1%} "
            f"with {many}",
            tuned[0] >= frozen[0] and tuned[-1] > frozen[-1],
        ),
        Claim(
            "S4",
            "random new layers would destroy what was learned below them",
            f"{few} pictures, nothing frozen, full rate: {rough[0]:.1%}, against {tuned[0]:.1%}",
            rough[0] < tuned[0],
        ),
        Claim(
            "S4",
            "the more data, the more layers can be replaced",
            "best: " + ", ".join(f"{k} of {LAYERS} with {n}" for n, k in best.items()),
            best[str(many)] >= best[str(few)],
        ),
        Claim(
            "S4",
            "recent results show that it is not always necessary",
            f"with {many} pictures a class {scratch[-1]:.1%} from scratch, {tuned[-1]:.1%} by transfer",
            abs(scratch[-1] - tuned[-1]) < 0.02,
        ),
    )


def _draw(settings: Settings, means, by_layers, paths):  # type: ignore[no-untyped-def]
    figure, axes = sheet(1, 3, 3.8, 3.2)
    wrong = {way: (settings.pictures, [100 * (1 - a) for a in found]) for way, found in means.items()}
    curves(axes[0, 0], wrong, "digits 5 to 9, unseen", "pictures a class", "wrong, %", log="xy", marks=".")
    layers = {f"{n} a class": (range(1, LAYERS + 1), [100 * (1 - a) for a in f]) for n, f in by_layers.items()}
    curves(axes[0, 1], layers, "by how much is replaced", "layers replaced, of 5", "wrong, %", log="y", marks=".")
    axes[0, 1].set_xticks(range(1, LAYERS + 1))
    curves(axes[0, 2], paths, "on the way (frozen, then a tenth)", "step", "accuracy")
    axes[0, 2].axvline(settings.steps, color="grey", linewidth=0.8)
    return figure


EXPERIMENT = Experiment(
    row="C10",
    run=run,
    usual=Settings(),
    small=Settings(draws=1, source=60, source_steps=20, pictures=(2, 8), unseen=20, steps=10, batch=10, curve=2),
    full=Settings(draws=5, source=25000, source_steps=3000, steps=1500),
    needs="digits",
)
