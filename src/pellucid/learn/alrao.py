"""Alrao: learning with random learning rates [A13], each unit its own (Blier, Wolinski, Ollivier, 2018).

Rates are drawn once, even in their logarithm, between two bounds that need no tuning; units whose rate does not suit
die or stand still, the others do the work. The last layer's units cannot be spared, so there are several last layers,
each with one rate, and their votes count by how well they have predicted so far.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from pellucid.errors import UsageError


class Alrao(nn.Module):
    """A body of features and `heads` linear classifiers on them; `step` does what optimisers do, without a rate."""

    def __init__(
        self,
        body: nn.Module,
        features: int,
        classes: int,
        rates: tuple[float, float] = (1e-5, 10.0),
        heads: int = 10,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if not 0 < rates[0] < rates[1] or heads < 2:
            expected = "0 < low < high, two heads or more"
            raise UsageError("no such rates", seen=f"{rates}, {heads} heads", expected=expected)
        self.body = body
        self.heads = nn.ModuleList(nn.Linear(features, classes) for _ in range(heads))
        low, high = math.log(rates[0]), math.log(rates[1])
        self.head_rates = torch.linspace(low, high, heads).exp()
        self.log_votes = torch.full((heads,), -math.log(heads))
        random = torch.Generator().manual_seed(seed)
        self.rates: dict[str, Tensor] = {}  # by the name of the layer: one rate for each unit
        for name, parameter in body.named_parameters():
            layer = name.rpartition(".")[0]
            if layer not in self.rates:
                self.rates[layer] = (low + (high - low) * torch.rand(len(parameter), generator=random)).exp()

    def forward(self, x: Tensor) -> Tensor:
        """Logarithms of the probabilities that the heads agree on. (n, ...) -> (n, classes)"""
        return torch.logsumexp(self._opinions(self.body(x)) + self.log_votes[:, None, None], dim=0)

    def step(self, x: Tensor, labels: Tensor) -> float:
        """One step of gradient descent on a batch, each unit at its own rate; returns the loss before it."""
        features = self.body(x)
        own = self._opinions(features.detach())  # heads learn by their own error,
        with_heads_held = self._opinions(features, held=True)  # the body by that of their vote
        vote = torch.logsumexp(with_heads_held + self.log_votes[:, None, None], dim=0)
        loss = nn.functional.nll_loss(vote, labels)
        errors = torch.stack([nn.functional.nll_loss(opinion, labels) for opinion in own])
        self.zero_grad()
        (loss + errors.sum()).backward()
        self._descend()
        finite = torch.nan_to_num(errors.detach(), nan=1e3, posinf=1e3).clamp(max=1e3)
        self.log_votes = torch.log_softmax(self.log_votes - finite * len(x), dim=0).clamp(min=-100.0)
        return loss.item()

    def _opinions(self, features: Tensor, held: bool = False) -> Tensor:
        """(n, features) -> (heads, n, classes) logarithms of probabilities; of a head that has run away, none."""
        found = []
        for head in self.heads:
            assert isinstance(head, nn.Linear)
            weight, bias = (head.weight.detach(), head.bias.detach()) if held else (head.weight, head.bias)
            found.append(torch.log_softmax(nn.functional.linear(features, weight, bias), dim=1))
        return torch.stack(found).clamp(min=-100.0)

    @torch.no_grad()
    def _descend(self) -> None:
        for parameter, rate in self._with_rates():
            if parameter.grad is not None:
                parameter.sub_(rate.reshape(-1, *[1] * (parameter.dim() - 1)) * parameter.grad)

    def _with_rates(self) -> Iterator[tuple[nn.Parameter, Tensor]]:
        for name, parameter in self.body.named_parameters():
            yield parameter, self.rates[name.rpartition(".")[0]]
        for head, rate in zip(self.heads, self.head_rates, strict=True):
            for parameter in head.parameters():
                yield parameter, rate.expand(len(parameter))
