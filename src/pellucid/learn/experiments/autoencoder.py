"""An autoencoder with a bottleneck beside PCA of the same rank [B9].

PCA is the best linear code of its size; a linear autoencoder can at best become it, one with activations may do better.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from pellucid.learn.data.labelled import Labelled
from pellucid.learn.experiments.digits import digits
from pellucid.learn.experiments.drawing import COLOURS, bare, curves, sheet
from pellucid.learn.experiments.experiment import Claim, Experiment, Outcome, Progress
from pellucid.learn.networks.perceptron import Autoencoder


@dataclass(frozen=True)
class Settings:
    seed: int = 0
    codes: tuple[int, ...] = (2, 8, 32)
    learned: int = 10000
    unseen: int = 2000
    batch: int = 100
    steps: int = 1500
    rate: float = 2e-3
    linear_rate: float = 1e-2


def run(settings: Settings, data: Labelled, progress: Progress) -> Outcome:
    """[B9] Mean squared errors on unseen digits, in grey values from 0 to 1."""
    known = digits(data, settings.learned, settings.unseen)
    deviation = float(data.pictures.std() / 255)
    x, unseen = known.x.flatten(1), known.unseen_x.flatten(1)
    error: dict[str, list[float]] = {"PCA": [], "autoencoder": [], "linear autoencoder": []}
    pictures: dict[int, tuple[Tensor, Tensor]] = {}
    for done, code in enumerate(settings.codes):
        progress(done, len(settings.codes), f"code of {code}")
        by_pca = pca(x, code)(unseen)
        by_net = learn(Autoencoder(x.shape[1], (256,), code), x, settings, settings.rate)(unseen).detach()
        linear = learn(Autoencoder(x.shape[1], (), code, "identity"), x, settings, settings.linear_rate)(
            unseen
        ).detach()
        for name, output in zip(error, (by_pca, by_net, linear), strict=True):
            error[name].append(((output - unseen) ** 2).mean().item() * deviation**2)
        pictures[code] = (by_pca, by_net)
    figures = {"code": list(settings.codes), "mean squared error": error}
    return Outcome(figures, _claims(list(settings.codes), error), _draw(settings, error, unseen, pictures))


def pca(x: Tensor, rank: int):  # type: ignore[no-untyped-def]
    """The projection onto the `rank` directions in which `x` varies most."""
    mean = x.mean(0)
    _, directions = torch.linalg.eigh((x - mean).T @ (x - mean))
    kept = directions[:, -rank:]  # eigenvalues ascend
    return lambda y: (y - mean) @ kept @ kept.T + mean


def learn(net: Autoencoder, x: Tensor, settings: Settings, rate: float) -> nn.Module:
    torch.manual_seed(settings.seed)
    for layer in net.modules():
        if isinstance(layer, nn.Linear):
            nn.init.xavier_normal_(layer.weight)
            nn.init.zeros_(layer.bias)
    optimiser = torch.optim.Adam(net.parameters(), rate, fused=True)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, settings.steps)
    for _ in range(settings.steps):
        chosen = x[torch.randint(len(x), (settings.batch,))]
        loss = ((net(chosen) - chosen) ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        falling.step()
    return net


def _claims(codes: list[int], error: dict[str, list[float]]) -> tuple[Claim, ...]:
    ratios = [ours / theirs for ours, theirs in zip(error["autoencoder"], error["PCA"], strict=True)]
    linear = [ours / theirs for ours, theirs in zip(error["linear autoencoder"], error["PCA"], strict=True)]
    each = ", ".join(f"{code}: {ratio:.0%}" for code, ratio in zip(codes, ratios, strict=True))
    return (
        Claim("S2", "a bottleneck keeps what is significant: compare with PCA", f"error, of PCA's, at {each}",
              ratios[0] < 1),
        Claim("S2", "low-rank approximation: what a linear one can at best become",
              f"its error is {min(linear):.0%} to {max(linear):.0%} of PCA's", min(linear) > 0.98),
    )  # fmt: skip


def _draw(settings: Settings, error: dict[str, list[float]], unseen: Tensor, pictures):  # type: ignore[no-untyped-def]
    figure, axes = sheet(1, 2, 5, 4)
    lines = {name: (list(settings.codes), values) for name, values in error.items()}
    curves(axes[0, 0], lines, "unseen digits", "values in the code", "mean squared error", log="xy", marks="o")
    pca, _, linear = axes[0, 0].lines  # the last lies on the first
    pca.set(linewidth=5, alpha=0.4)
    linear.set(linestyle=":", color=COLOURS[2])
    axes[0, 0].legend(fontsize=7)
    side = round(unseen.shape[1] ** 0.5)
    shown = [("seen", unseen)]
    for code in settings.codes[:3]:
        shown += [(f"PCA {code}", pictures[code][0]), (f"net {code}", pictures[code][1])]
    rows = [np.hstack(list(values[:8].reshape(-1, side, side).numpy())) for _, values in shown]
    axes[0, 1].imshow(np.vstack(rows), cmap="gray", vmin=float(unseen.min()), vmax=float(unseen.max()))
    bare(axes[0, 1], "from codes of few values")
    axes[0, 1].set_yticks([side * (i + 0.5) for i in range(len(shown))], [name for name, _ in shown], fontsize=7)
    return figure


EXPERIMENT = Experiment(
    row="B9",
    run=run,
    usual=Settings(),
    small=Settings(codes=(1, 2, 4), learned=160, unseen=40, batch=20, steps=30),
    full=Settings(learned=50000, unseen=10000, steps=20000),
    needs="digits",
)
