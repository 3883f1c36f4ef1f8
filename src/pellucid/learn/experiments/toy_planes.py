"""Two-dimensional toy problems [B1]: what a layer makes of the plane, and which networks can tell the classes apart.

Four clouds of points as in the playground that the document shows: half to learn from, half to measure on, batches of
10. The networks that are drawn have layers of two units, so that each layer is a map from plane to plane.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from pellucid.learn.experiments.drawing import bare, film, sheet
from pellucid.learn.experiments.experiment import Claim, Experiment, Outcome, Progress

REACH = 6.0
"""The plane is the square from -6 to 6."""


@dataclass(frozen=True)
class Settings:
    seed: int = 0
    points: int = 500
    noise: float = 0.1
    learned: float = 0.5
    batch: int = 10
    steps: int = 2000
    tries: int = 2
    frames: int = 16


def xor(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    p = rng.uniform(0.5, 5, (n, 2)) * rng.choice([-1, 1], (n, 2))
    return p, p[:, 0] * p[:, 1] > 0


def circle(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    inside = np.arange(n) % 2 == 0
    radius, angle = np.where(inside, rng.uniform(0, 2.5, n), rng.uniform(3.5, 5, n)), rng.uniform(0, 2 * np.pi, n)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1), inside


def two_clouds(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    right = np.arange(n) % 2 == 0
    return rng.normal(0, 1, (n, 2)) + np.where(right, 2.2, -2.2)[:, None], right


def spiral(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    arm, t = np.arange(n) % 2 == 0, rng.uniform(0.05, 1, n)
    angle = 1.75 * 2 * np.pi * t + np.pi * arm
    return 5 * t[:, None] * np.stack([np.sin(angle), np.cos(angle)], 1), arm


PLANES: dict[str, Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]] = {
    "two clouds": two_clouds,
    "xor": xor,
    "circle": circle,
    "spiral": spiral,
}


def features(x: Tensor) -> Tensor:
    """(n, 2) -> (n, 7): x1, x2, their squares, their product, their sines."""
    return torch.cat([x, x**2 / REACH, x.prod(1, keepdim=True) / REACH, x.sin()], 1)


class Net(nn.Module):
    """Dense layers with tanh between them, and one output, whose sign is the class."""

    def __init__(self, *widths: int, by_hand: bool = False) -> None:
        super().__init__()
        self.by_hand = by_hand
        sizes = [7 if by_hand else 2, *widths, 1]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:], strict=False))

    def stages(self, x: Tensor) -> list[Tensor]:
        """What every layer makes of points (n, 2): sums and activations in turn, the output last."""
        x = features(x) if self.by_hand else x
        found = [x]
        for layer in self.layers[:-1]:
            found += [z := layer(found[-1]), z.tanh()]
        return [*found, self.layers[-1](found[-1])]

    def forward(self, x: Tensor) -> Tensor:
        return self.stages(x)[-1][:, 0]


NETS: dict[str, Callable[[], Net]] = {
    "perceptron": Net,
    "perceptron, features by hand": lambda: Net(by_hand=True),
    "hidden 4, 2": lambda: Net(4, 2),
    "wide: hidden 62": lambda: Net(62),
    "deep: hidden 8, 8, 8, 8": lambda: Net(8, 8, 8, 8),
}
"""The wide and the deep one have 249 parameters each."""


@dataclass(frozen=True)
class Plane:
    x: Tensor
    labels: Tensor
    unseen_x: Tensor
    unseen_labels: Tensor


def run(settings: Settings, data: None, progress: Progress) -> Outcome:
    """[B1] Errors of every network on every plane, and the drawing of two of them layer by layer."""
    planes = {name: make(name, settings) for name in PLANES}
    total = len(PLANES) * len(NETS) + 2
    errors: dict[str, dict[str, float]] = {name: {} for name in NETS}
    nets: dict[tuple[str, str], Net] = {}
    for plane in PLANES:
        for name, build in NETS.items():
            progress(len(nets), total, f"{name} on {plane}")
            net = nets[name, plane] = best(build, planes[plane], settings)
            errors[name][plane] = error(net, planes[plane])
    progress(total - 2, total, "layers of two units")
    folding = best(lambda: Net(2), planes["xor"], settings)
    history: list[Net] = []
    lifting = best(lambda: Net(8, 2), planes["circle"], settings, history)
    kept = [("xor", folding), ("circle", lifting)]
    picture = _draw([(name, planes[name], net) for name, net in kept], nets, planes)
    progress(total - 1, total, "the film")
    moving = film((_frame(net, planes["circle"]) for net in history), 250)
    figures = {
        "error": errors,
        "error of two layers of two units on xor": error(folding, planes["xor"]),
        "parameters": {name: sum(p.numel() for p in build().parameters()) for name, build in NETS.items()},
    }
    return Outcome(figures, _claims(errors), picture, moving)


def _claims(errors: dict[str, dict[str, float]]) -> tuple[Claim, ...]:
    one, hand, small = errors["perceptron"], errors["perceptron, features by hand"], errors["hidden 4, 2"]
    wide, deep = errors["wide: hidden 62"], errors["deep: hidden 8, 8, 8, 8"]
    return (
        Claim(
            "S3",
            "a perceptron separates by a line",
            f"{one['two clouds']:.1%} wrong on two clouds, {one['xor']:.0%} on xor, {one['circle']:.0%} on the circle",
            one["two clouds"] < 0.05 < 0.25 < min(one["xor"], one["circle"]),
        ),
        Claim(
            "S3",
            "squares, products and sines as features",
            f"then one layer has {hand['xor']:.1%} wrong on xor, {hand['circle']:.1%} on the circle",
            max(hand["xor"], hand["circle"]) < 0.05,
        ),
        Claim(
            "S3",
            "two layers or more can represent anything",
            f"hidden 4, 2: {small['xor']:.1%} wrong on xor, {small['circle']:.1%} on the circle",
            max(small["xor"], small["circle"]) < 0.05,
        ),
        Claim(
            "S3",
            "wide and shallow against narrow and deep: more layers help",
            f"spiral: {wide['spiral']:.1%} wrong with 62 wide, {deep['spiral']:.1%} with 8, 8, 8, 8",
            deep["spiral"] < wide["spiral"],
        ),
    )


def make(name: str, settings: Settings) -> Plane:
    rng = np.random.default_rng([settings.seed, list(PLANES).index(name)])
    points, labels = PLANES[name](rng, settings.points)
    points = points + rng.normal(0, settings.noise * REACH / 4, points.shape)
    order = rng.permutation(len(points))
    x, y = torch.from_numpy(points[order]).float(), torch.from_numpy(labels[order]).float()
    cut = round(settings.learned * len(x))
    return Plane(x[:cut], y[:cut], x[cut:], y[cut:])


def best(build: Callable[[], Net], plane: Plane, settings: Settings, history: list[Net] | None = None) -> Net:
    """Of some starts the one whose loss on what was learned is lowest; `history` receives its states."""
    found: list[tuple[float, Net, list[Net]]] = []
    for attempt in range(settings.tries):
        torch.manual_seed(settings.seed + attempt)
        net, states = build(), []
        optimiser = torch.optim.Adam(net.parameters(), 0.01, fused=True)
        for step in range(settings.steps):
            if history is not None and step % max(1, settings.steps // settings.frames) == 0:
                states.append(copy.deepcopy(net))
            chosen = torch.randint(len(plane.x), (settings.batch,))
            loss = nn.functional.binary_cross_entropy_with_logits(net(plane.x[chosen]), plane.labels[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        with torch.no_grad():
            loss = nn.functional.binary_cross_entropy_with_logits(net(plane.x), plane.labels)
        found.append((loss.item(), net, states))
    _, net, states = min(found, key=lambda f: f[0])
    if history is not None:
        history += states
    return net


@torch.no_grad()
def error(net: Net, plane: Plane) -> float:
    return ((net(plane.unseen_x) > 0) != (plane.unseen_labels > 0)).float().mean().item()


def _draw(kept: list[tuple[str, Plane, Net]], nets: dict[tuple[str, str], Net], planes: dict[str, Plane]) -> Figure:
    figure, axes = sheet(4, 4, 2.6, 2.6)
    for row, (name, plane, net) in zip(axes, kept, strict=False):
        _decision(row[0], net, plane, f"{name}: points and classes")
        shown = [(i, s) for i, s in enumerate(net.stages(plane.x)) if i and s.shape[1] == 2]
        for place, (stage, _) in zip(row[1:], shown, strict=False):
            kind = "sums" if stage % 2 else "tanh"
            _warped(place, net, plane, stage, f"layer {(stage + 1) // 2}: {kind}")
        for place in row[1 + len(shown) :]:
            place.axis("off")
    chosen = {"perceptron, features by hand": "features by hand", "deep: hidden 8, 8, 8, 8": "hidden 8, 8, 8, 8"}
    for row, (name, short) in zip(axes[2:], chosen.items(), strict=True):
        for place, plane_name in zip(row, PLANES, strict=True):
            wrong = error(nets[name, plane_name], planes[plane_name])
            _decision(place, nets[name, plane_name], planes[plane_name], f"{short}: {wrong:.1%} wrong")
    return figure


def _frame(net: Net, plane: Plane) -> Figure:
    figure, axes = sheet(1, 3, 2.4, 2.5)
    _decision(axes[0, 0], net, plane, "points and classes")
    _warped(axes[0, 1], net, plane, 3, "layer 2: sums")
    _warped(axes[0, 2], net, plane, 4, "layer 2: tanh")
    return figure


@torch.no_grad()
def _decision(axes, net: Net, plane: Plane, title: str) -> None:  # type: ignore[no-untyped-def]
    side = torch.linspace(-REACH, REACH, 121)
    grid = torch.cartesian_prod(side, side)  # y-major: first column is y
    value = net(grid.flip(1)).sigmoid().reshape(121, 121)
    axes.imshow(value, extent=(-REACH, REACH, -REACH, REACH), origin="lower", cmap="PuOr", vmin=0, vmax=1, alpha=0.7)
    _points(axes, plane.x, plane.labels)
    bare(axes, title)


@torch.no_grad()
def _warped(axes, net: Net, plane: Plane, stage: int, title: str) -> None:  # type: ignore[no-untyped-def]
    """The lines of squared paper, and the points, where a layer has put them."""
    along = torch.linspace(-REACH, REACH, 200)
    for at in np.linspace(-REACH, REACH, 13):
        for flipped in (False, True):
            line = torch.stack([along, torch.full_like(along, float(at))], 1)
            line = net.stages(line.flip(1) if flipped else line)[stage]
            axes.plot(line[:, 0], line[:, 1], color="#999999", linewidth=0.5)
    _points(axes, net.stages(plane.x)[stage], plane.labels)
    bare(axes, title)


def _points(axes, x: Tensor, labels: Tensor) -> None:  # type: ignore[no-untyped-def]
    axes.scatter(x[:, 0], x[:, 1], c=labels, cmap="PuOr", vmin=-0.2, vmax=1.2, s=9, edgecolors="k", linewidths=0.3)


EXPERIMENT = Experiment(row="B1", run=run, usual=Settings(), small=Settings(points=80, steps=30, tries=1, frames=2))
