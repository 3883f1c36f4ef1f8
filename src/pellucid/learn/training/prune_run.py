"""A run's network pruned, trained on by the run's own recipe, and written as a model file. [A17]"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from pellucid.learn.pruning import apply_masks, drop_unread, prune_channels, smallest
from pellucid.learn.recipes import Recipe
from pellucid.learn.to_runtime.export import export
from pellucid.learn.to_runtime.run import card_of
from pellucid.learn.training.figures import Figures
from pellucid.learn.training.load import load_run
from pellucid.learn.training.subject import Subject, subject_of
from pellucid.learn.training.sums import multiply_adds


@dataclass(frozen=True)
class Stage:
    """`figures` are of what the recipe holds out."""

    name: str
    parameters: int
    multiply_adds: int
    figures: Figures


def prune_run(
    run: Path,
    output: Path,
    channels: float,
    weights: float,
    steps: int,
    data: Path | None,
    progress: Callable[[int], None],
) -> list[Stage]:
    """[A17] The stages on the way; the last one's network is what `output` holds."""
    network, recipe = load_run(run)
    subject = subject_of(recipe, data, run)
    sample = subject.sample()

    def stage(name: str, network: nn.Module) -> Stage:
        network.eval()
        parameters = sum(p.numel() for p in network.parameters())
        return Stage(name, parameters, multiply_adds(network, sample), subject.validate(network))

    stages = [stage("as trained", network)]
    smaller = prune_channels(network, sample, channels)
    masks = smallest(smaller, weights)
    apply_masks(smaller, masks)
    stages.append(stage("pruned", smaller))
    _train_on(smaller, recipe, subject, steps, lambda: apply_masks(smaller, masks), progress)
    smaller = drop_unread(smaller, sample).eval() if weights else smaller
    stages.append(stage(f"after {steps} steps", smaller))
    export(smaller, output, torch.zeros_like(sample), card_of(recipe))
    return stages


def _train_on(
    network: nn.Module,
    recipe: Recipe,
    subject: Subject,
    steps: int,
    after_each: Callable[[], None],
    progress: Callable[[int], None],
) -> None:
    """With the recipe's batches and its rate, falling to 0."""
    network.train()
    batches, loss = subject.batches(0, 1), subject.loss
    optimiser = torch.optim.AdamW(network.parameters(), recipe.optimiser.rate, fused=True)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(steps, 1))
    for step in range(steps):
        x, target = batches(step)
        optimiser.zero_grad()
        loss(network(x), target).backward()
        optimiser.step()
        falling.step()
        after_each()
        progress(step + 1)
    network.eval()
