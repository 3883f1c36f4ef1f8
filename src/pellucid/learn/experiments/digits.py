"""Handwritten digits as tensors for the experiments, and the plainest way to train on them.

No checkpoints, no schedules, no figures of test files: `pellucid train` is for networks that are to be kept. Accuracy
is that of pictures held out of the training files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pellucid.errors import DatabaseError
from pellucid.learn.data.labelled import Labelled
from pellucid.learn.data.labelled_batches import held_out


@dataclass(frozen=True)
class Digits:
    """Pictures (n, 1, h, w) float32 with mean 0 and deviation 1 over what is learned from, and labels (n,)."""

    x: Tensor
    labels: Tensor
    unseen_x: Tensor
    unseen_labels: Tensor


def digits(data: Labelled, learned: int, unseen: int) -> Digits:
    """The first `learned` of the pictures that are not held out, and `unseen` that are."""
    if learned + unseen > len(data):
        raise DatabaseError("too few pictures", seen=len(data), expected=f"{learned + unseen} or more")
    kept, out = held_out(data, unseen)
    x, y = _tensor(kept.pictures[:learned]), _tensor(out.pictures)
    mean, deviation = x.mean(), x.std()
    labels = torch.from_numpy(kept.labels[:learned].copy())
    return Digits((x - mean) / deviation, labels, (y - mean) / deviation, torch.from_numpy(out.labels.copy()))


def fit(
    network: nn.Module,
    data: Digits,
    optimiser: torch.optim.Optimizer,
    steps: int,
    batch: int,
    seed: int,
    each: Callable[[int, float], object] | None = None,
) -> list[float]:
    """Cross-entropy of every step; batches are drawn epoch by epoch by `seed`.

    It ends early where the loss is not finite, or where `each`, told the step and its loss, answers True.
    """
    order = torch.Generator().manual_seed(seed)
    losses: list[float] = []
    queue = torch.empty(0, dtype=torch.long)
    network.train()
    for step in range(steps):
        if len(queue) < batch:
            queue = torch.cat([queue, torch.randperm(len(data.x), generator=order)])
        chosen, queue = queue[:batch], queue[batch:]
        loss = nn.functional.cross_entropy(network(data.x[chosen]), data.labels[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
        if not loss.isfinite():
            break
        if each and each(step, losses[-1]) is True:
            break
    return losses


@torch.no_grad()
def measure(network: nn.Module, x: Tensor, labels: Tensor) -> tuple[float, float]:
    """Accuracy and mean cross-entropy in evaluation mode."""
    network.eval()
    outputs = torch.cat([network(part) for part in x.split(500)])
    network.train()
    right = (outputs.argmax(1) == labels).float().mean().item()
    return right, nn.functional.cross_entropy(outputs, labels).item()


def _tensor(pictures) -> Tensor:  # type: ignore[no-untyped-def]
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255  # (n, h, w, c) -> (n, c, h, w)
