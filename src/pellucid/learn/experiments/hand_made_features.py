"""Features made by hand with a linear classifier, beside networks that learn theirs [D19].

The classifier is the same in all cases: a softmax over a weighted sum of what it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from pellucid.learn.data.labelled import Labelled
from pellucid.learn.experiments.digits import Digits, digits, fit, measure
from pellucid.learn.experiments.drawing import COLOURS, bare, label, sheet
from pellucid.learn.experiments.experiment import Claim, Experiment, Outcome, Progress
from pellucid.learn.networks.course_mnist import CourseMNIST
from pellucid.learn.networks.lenet import LeNet5
from pellucid.learn.networks.perceptron import MLP
from pellucid.reference.gradient_histograms import cell_histograms, histograms

HOG_SIDE, HOG_CELLS, HOG_DIMENSIONS = 128, 16, 36
"""The sum in a document: dense from 128 x 128 x 3 to 16 x 16 cells of 36 values, then to ten classes."""


@dataclass(frozen=True)
class Settings:
    seed: int = 0
    learned: int = 10000
    unseen: int = 2000
    batch: int = 50
    steps: int = 500
    rate: float = 1e-3
    width: int = 8


def run(settings: Settings, data: Labelled, progress: Progress) -> Outcome:
    """[D19] Accuracy on unseen digits, and parameters that were learned."""
    known = digits(data, settings.learned, settings.unseen)
    by_hand = replace(known, x=features(known.x), unseen_x=features(known.unseen_x))
    kinds: dict[str, tuple[Callable[[], nn.Module], Digits, float]] = {
        "pixels, linear": (lambda: MLP((784, 10)), known, 1.0),
        "HOG, linear": (lambda: MLP((by_hand.x.shape[1], 10)), by_hand, 5.0),
        "LeNet-5": (LeNet5, known, 2.0),
        f"course, {settings.width} wide": (lambda: CourseMNIST(width=settings.width), known, 1.0),
    }
    found = {}
    for done, (name, (build, given, rate)) in enumerate(kinds.items()):
        progress(done, len(kinds), name)
        torch.manual_seed(settings.seed)
        net = build()
        optimiser = torch.optim.Adam(net.parameters(), rate * settings.rate, fused=True)
        fit(net, given, optimiser, settings.steps, settings.batch, settings.seed)
        found[name] = {
            "accuracy": measure(net, given.unseen_x, given.unseen_labels)[0],
            "parameters": sum(p.numel() for p in net.parameters()),
        }
    inputs, hidden = HOG_SIDE**2 * 3, HOG_CELLS**2 * HOG_DIMENSIONS
    figures = {"classifiers": found, "weights of a dense layer as wide as HOG": inputs * hidden + hidden * 10}
    return Outcome(figures, _claims(figures), _draw(found, known))


def features(x: Tensor) -> Tensor:
    """(n, 1, h, w) -> (n, features)"""
    found = histograms(x[:, 0].numpy())
    return torch.from_numpy(found.reshape(len(x), -1)).float()


def _claims(figures) -> tuple[Claim, ...]:  # type: ignore[no-untyped-def]
    pixels, hog, lenet, course = (f["accuracy"] for f in figures["classifiers"].values())
    count = figures["weights of a dense layer as wide as HOG"]
    return (
        Claim(
            "S2",
            "features by hand, then a classifier",
            f"linear on HOG {hog:.1%}, on pixels {pixels:.1%}",
            hog > pixels,
        ),
        Claim(
            "S2",
            "learned features take their place",
            f"LeNet-5 {lenet:.1%}, the course's network {course:.1%}, HOG {hog:.1%}",
            max(lenet, course) > hog,
        ),
        Claim("S4", "a dense layer like HOG: 453,076,992 weights", f"{count:,}", count == 453_076_992),
    )


def _draw(found, known: Digits):  # type: ignore[no-untyped-def]
    figure, axes = sheet(1, 3, 3.6, 3)
    names = list(found)
    axes[0, 0].barh(names, [1 - f["accuracy"] for f in found.values()], color=COLOURS[: len(found)])
    axes[0, 0].invert_yaxis()
    label(axes[0, 0], "wrong on unseen digits", "share")
    picture = known.unseen_x[0, 0].numpy()
    axes[0, 1].imshow(picture, cmap="gray")
    bare(axes[0, 1], "a digit")
    cell, orientations = 7, 9
    cells = cell_histograms(picture[None], cell, orientations)[0]
    axes[0, 2].imshow(np.zeros_like(picture), cmap="gray", vmin=0, vmax=1)
    for y, x, o in np.ndindex(*cells.shape):
        angle, length = np.pi * o / orientations + np.pi / 2, cell / 2 * cells[y, x, o] / cells.max()  # along the edge
        cy, cx = (y + 0.5) * cell - 0.5, (x + 0.5) * cell - 0.5
        dy, dx = length * np.sin(angle), length * np.cos(angle)
        axes[0, 2].plot([cx - dx, cx + dx], [cy - dy, cy + dy], color="w", linewidth=1.2)
    bare(axes[0, 2], "its oriented gradients")
    return figure


EXPERIMENT = Experiment(
    row="D19",
    run=run,
    usual=Settings(),
    small=Settings(learned=160, unseen=40, batch=20, steps=10, width=2),
    full=Settings(learned=50000, unseen=10000, batch=128, steps=5000, width=32),
    needs="digits",
)
