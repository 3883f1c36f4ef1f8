"""Randomly wired networks [B8]: the wiring is drawn from a small-world graph instead of designed (Xie et al., 2019).

A stage is a directed acyclic graph whose nodes sum their inputs with learned positive weights and apply ReLU, a
separable convolution and batch norm. The wiring is a function of its seed; searching for the best is training some
seeds for a while and keeping the best.
"""

from __future__ import annotations

import random

import torch
from torch import Tensor, nn


def small_world(nodes: int, neighbours: int, rewire: float, seed: int) -> list[list[int]]:
    """Watts and Strogatz's ring, edges rewired with probability `rewire`; for each node, the earlier ones it reads."""
    draw = random.Random(seed)
    edges: set[tuple[int, int]] = set()
    for i in range(nodes):
        for step in range(1, neighbours // 2 + 1):
            other = (i + step) % nodes
            if draw.random() < rewire:
                free = [j for j in range(nodes) if j != i and (min(i, j), max(i, j)) not in edges]
                other = draw.choice(free) if free else other
            edges.add((min(i, other), max(i, other)))
    return [sorted(a for a, b in edges if b == i) for i in range(nodes)]


class WiredNode(nn.Module):
    def __init__(self, inputs: int, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(inputs)) if inputs > 1 else None
        self.depthwise = nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False)
        self.pointwise = nn.Conv2d(channels, out, 1, bias=False)
        self.norm = nn.BatchNorm2d(out)

    def forward(self, inputs: list[Tensor]) -> Tensor:
        x = inputs[0]
        if self.weight is not None:
            shares = torch.sigmoid(self.weight)
            x = sum((shares[i] * y for i, y in enumerate(inputs)), torch.zeros_like(x))
        return self.norm(self.pointwise(self.depthwise(torch.relu(x))))


class WiredStage(nn.Module):
    """One random graph: nodes without inputs read the stage's, with stride 2; those that nobody reads are averaged."""

    def __init__(self, channels: int, out: int, wiring: list[list[int]]) -> None:
        super().__init__()
        self.wiring = wiring
        read = {j for inputs in wiring for j in inputs}
        self.ends = [i for i in range(len(wiring)) if i not in read]
        self.nodes = nn.ModuleList(
            WiredNode(len(inputs), out if inputs else channels, out, 1 if inputs else 2) for inputs in wiring
        )

    def forward(self, x: Tensor) -> Tensor:
        made: list[Tensor] = []
        for node, inputs in zip(self.nodes, self.wiring, strict=True):
            made.append(node([made[j] for j in inputs] if inputs else [x]))
        return sum((made[i] for i in self.ends[1:]), made[self.ends[0]]) * (1 / len(self.ends))


class RandomWired(nn.Module):
    def __init__(
        self,
        classes: int = 10,
        channels: int = 3,
        width: int = 32,
        stages: int = 3,
        nodes: int = 12,
        neighbours: int = 4,
        rewire: float = 0.75,
        seed: int = 1,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))
        self.stages = nn.Sequential(
            *(
                WiredStage(width << max(i - 1, 0), width << i, small_world(nodes, neighbours, rewire, seed * 1000 + i))
                for i in range(stages)
            )
        )
        self.head = nn.Linear(width << (stages - 1), classes)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.stages(self.stem(x)))
        return self.head(x.mean((2, 3)))
