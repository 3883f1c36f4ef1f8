"""The lottery ticket [A17]: accuracy against the weights that are left, pruned by size, rewound and trained again.

Every round trains, removes the smallest of the weights, and sets the others back to where they began. Beside it the
same masks with new random weights, and channels removed after one training, which makes the exported file smaller.
"""

from __future__ import annotations

import copy
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from pellucid.learn.data.labelled import Labelled
from pellucid.learn.experiments.digits import Digits, digits, fit, measure
from pellucid.learn.experiments.drawing import curves, sheet
from pellucid.learn.experiments.experiment import Claim, Experiment, Outcome, Progress
from pellucid.learn.networks.perceptron import MLP
from pellucid.learn.pruning import Masks, apply_masks, prune_channels, share_left, smallest
from pellucid.learn.to_runtime import export


@dataclass(frozen=True)
class Settings:
    seed: int = 0
    hidden: tuple[int, ...] = (300, 100)
    learned: int = 10000
    unseen: int = 2000
    batch: int = 60
    steps: int = 300
    rate: float = 1.2e-3
    rounds: int = 10
    share: float = 0.4
    channels: tuple[float, ...] = (0.5, 0.75, 0.9)


def run(settings: Settings, data: Labelled, progress: Progress) -> Outcome:
    """[A17] The curve of rewound and of redrawn tickets, and files with fewer channels."""
    known = digits(data, settings.learned, settings.unseen)
    total = 2 * settings.rounds + len(settings.channels)
    first = _network(settings, known, settings.seed)
    whole = copy.deepcopy(first)
    masks = smallest(first, 0.0)
    left, rewound, redrawn = [], [], []
    for i in range(settings.rounds):
        progress(2 * i, total, f"{share_left(masks):.1%} of the weights")
        net = copy.deepcopy(first)
        rewound.append(_train(net, known, masks, settings))
        whole = net if i == 0 else whole
        other = _network(settings, known, settings.seed + 1 + i)
        redrawn.append(_train(other, known, masks, settings))
        left.append(share_left(masks))
        masks = smallest(net, settings.share, masks)
    files = _files(whole, known, settings, lambda done: progress(2 * settings.rounds + done, total, "channels"))
    figures = {"weights left": left, "rewound": rewound, "drawn anew": redrawn, "files": files}
    figure, axes = sheet(1, 2, 4.6, 3.4)
    lines = {"rewound": (left, rewound), "same masks, drawn anew": (left, redrawn)}
    curves(axes[0, 0], lines, "single weights by size", "weights left", "accuracy", log="x", marks="o")
    axes[0, 0].invert_xaxis()
    sizes = [entry["bytes"] for entry in files.values()]
    curves(
        axes[0, 1],
        {
            "removed": (sizes, [entry["removed"] for entry in files.values()]),
            "and trained on": (sizes, [entry["trained on"] for entry in files.values()]),
        },
        "whole channels",
        "bytes of the model file",
        "accuracy",
        log="x",
        marks="o",
    )
    axes[0, 1].invert_xaxis()
    return Outcome(figures, _claims(left, rewound, redrawn, files), figure)


def _network(settings: Settings, known: Digits, seed: int) -> MLP:
    torch.manual_seed(seed)
    net = MLP((known.x[0].numel(), *settings.hidden, 10))
    for layer in net.modules():
        if isinstance(layer, nn.Linear):
            nn.init.xavier_normal_(layer.weight)
            nn.init.zeros_(layer.bias)
    return net


def _train(net: nn.Module, known: Digits, masks: Masks, settings: Settings, share: float = 1.0) -> float:
    """Accuracy on unseen digits after training with what is masked held at 0."""
    apply_masks(net, masks)
    optimiser = torch.optim.Adam(net.parameters(), settings.rate * share, fused=True)
    steps = round(settings.steps * share)
    fit(net, known, optimiser, steps, settings.batch, settings.seed, lambda step, loss: apply_masks(net, masks))
    return measure(net, known.unseen_x, known.unseen_labels)[0]


def _files(whole: nn.Module, known: Digits, settings: Settings, progress) -> dict[str, dict[str, float]]:  # type: ignore[no-untyped-def]
    """What the exported file holds after channels are removed, and what it can."""
    found = {}
    for done, share in enumerate((0.0, *settings.channels)):
        progress(done)
        smaller = prune_channels(whole, known.x[:1], share)
        removed = measure(smaller, known.unseen_x, known.unseen_labels)[0]
        trained = _train(smaller, known, smallest(smaller, 0.0), settings, 0.5) if share else removed
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "pruned.safetensors"
            export(smaller.eval(), path, known.x[:1] * 0)
            size = path.stat().st_size
        found[f"{share:.0%} removed"] = {"bytes": size, "removed": removed, "trained on": trained}
    return found


def _claims(left, rewound, redrawn, files) -> tuple[Claim, ...]:  # type: ignore[no-untyped-def]
    enough = [i for i, accuracy in enumerate(rewound) if accuracy >= rewound[0] - 0.005]
    gap = max(range(len(left)), key=lambda i: rewound[i] - redrawn[i])
    whole, *_ = files.values()
    small = next((f for f in reversed(list(files.values())) if f["trained on"] >= whole["trained on"] - 0.01), whole)
    return (
        Claim(
            "S0",
            "train, then prune what is unnecessary",
            f"{left[enough[-1]]:.1%} of the weights reach {rewound[enough[-1]]:.1%}, all of them {rewound[0]:.1%}",
            left[enough[-1]] < 0.3,
        ),
        Claim(
            "S0",
            "more sub-networks, more chance to win the initialisation lottery",
            f"{left[gap]:.1%} left: rewound {rewound[gap]:.1%}, drawn anew {redrawn[gap]:.1%}",
            rewound[gap] > redrawn[gap] + 0.005,
        ),
        Claim(
            "S0",
            "prune unnecessary channels",
            f"the file shrinks from {whole['bytes']:,} to {small['bytes']:,} bytes, accuracy "
            f"{whole['trained on']:.1%} to {small['trained on']:.1%}",
            small["bytes"] < 0.6 * whole["bytes"],
        ),
    )


EXPERIMENT = Experiment(
    row="A17",
    run=run,
    usual=Settings(),
    small=Settings(hidden=(20,), learned=160, unseen=40, batch=20, steps=20, rounds=3, channels=(0.5,)),
    full=Settings(learned=50000, unseen=10000, steps=4000, rounds=14, share=0.2),
    needs="digits",
)
