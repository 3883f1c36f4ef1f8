"""A run that begins with the weights of a smaller network, as the same function.

Chains may get more hidden layers, PReLU for ReLU, and weights that are free where they were tied by turns. The layers
that are added pass on what they are given, slopes in the place of ReLU begin at zero: the first output is the smaller
network's, and training takes it from there. They stand spread along the body (`docs/decisions/decibels.md`).
"""

from __future__ import annotations

import torch
from torch import nn

from pellucid.learn.layers.collapsible import CollapsibleConv2d
from pellucid.learn.recipes import Recipe


def growth(before: Recipe, recipe: Recipe) -> set[str]:
    """The keys of a recipe for a chain by which it asks for more than the one before had."""
    if recipe.network.name not in ("chain", "denoiser") or before.network.name != recipe.network.name:
        return set()
    seen, asked = before.network.settings, recipe.network.settings
    found = {"network.layers"} if asked.layers > seen.layers else set()
    found |= {"network.turning"} if seen.turning and not asked.turning else set()
    return found | ({"network.activation"} if (seen.activation, asked.activation) == ("relu", "prelu") else set())


def added(few: int, many: int) -> set[int]:
    """Which of `many` hidden layers a body of `few` does not have, the first being 0."""
    return {(2 * i + 1) * many // (2 * (many - few)) for i in range(many - few)}


def moved(weights: dict[str, torch.Tensor], few: int, many: int) -> dict[str, torch.Tensor]:
    """Weights of a chain of `few` hidden layers under the names that they have in one of `many`."""
    new = added(few, many)
    places = [i for i in range(many) if i not in new]
    names = {"body.0": "body.0"}  # [activation, layer] x layers, activation
    for i, place in enumerate(places):
        names |= {f"body.{2 * i + k}": f"body.{2 * place + k}" for k in (1, 2)}
    return {
        ".".join([names[".".join(parts[:2])], *parts[2:]]) if (parts := name.split("."))[0] == "body" else name: tensor
        for name, tensor in weights.items()
    }


def grown(network: nn.Module, few: int, rectified: bool) -> dict[str, torch.Tensor]:
    """Of a chain: the weights that one of `few` hidden layers, `rectified` by ReLU, does not have."""
    body: nn.Sequential = network.body  # type: ignore[assignment]
    new = added(few, len(body) // 2)
    weights: dict[str, torch.Tensor] = {}
    for i, layer in enumerate(body):
        passing = (i - 1) // 2 in new
        if passing and isinstance(layer, nn.Conv2d):
            _pass_on(layer)
        elif isinstance(layer, nn.PReLU) and passing != rectified:  # behind ReLU any slope passes everything on
            nn.init.constant_(layer.weight, float(passing))
        if passing or rectified and isinstance(layer, nn.PReLU):
            weights |= {f"body.{i}.{name}": tensor for name, tensor in layer.state_dict().items()}
    return weights


def _pass_on(layer: nn.Conv2d) -> None:
    """Makes it the identity."""
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    if isinstance(layer, CollapsibleConv2d):  # whose gain passes everything on when it starts
        nn.init.zeros_(layer.weight)
    else:
        nn.init.dirac_(layer.weight)
