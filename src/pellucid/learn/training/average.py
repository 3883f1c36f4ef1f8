"""The exponential moving average of a network's weights. [A13]

Early on the average forgets faster, min(decay, (1 + n) / (10 + n)) after n steps, so that it does not carry the random
start along. Numbers that are not learned (batch norm's statistics) are copied.
"""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class MovingAverage:
    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self._decay = decay

    def decay(self, n: int) -> float:
        """What the average keeps of itself after the network's step number `n` (1, 2, ...)."""
        return min(self._decay, (1 + n) / (10 + n))

    @torch.no_grad()
    def update(self, network: nn.Module, n: int) -> None:
        """Moves the average towards `network`, which has just made its step number `n`."""
        get_ema_multi_avg_fn(self.decay(n))(list(self.network.parameters()), list(network.parameters()), n)
        self.copy_unlearned(network)

    @torch.no_grad()
    def copy_unlearned(self, network: nn.Module) -> None:
        for mine, theirs in zip(self.network.buffers(), network.buffers(), strict=True):
            mine.copy_(theirs)
