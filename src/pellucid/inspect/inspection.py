"""All views of one network on one picture, gathered within a budget of seconds: what the page is made from."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from pellucid.errors import UsageError
from pellucid.inspect.as_input import SIGMA, as_input
from pellucid.inspect.layer_costs import LayerCost, cost
from pellucid.inspect.layer_times import LayerTimes, layer_times
from pellucid.inspect.learned_filters import Filters, filters
from pellucid.inspect.precision_loss import PrecisionLoss, PruningLoss, precisions, prunings
from pellucid.inspect.receptive_fields import ReceptiveField, receptive_field
from pellucid.inspect.shifts import Equivariance, equivariance
from pellucid.inspect.unit_activity import Activity, Finding, activations, verdict

if TYPE_CHECKING:
    from pellucid.card import Card
    from pellucid.graph import Graph
    from pellucid.network import Network

LONGEST_SIDE, SMALLEST_SIDE = 160, 32
MOST_MAP_BYTES = 400_000_000
VIEWS = 6

Progress = Callable[[int, int, str], None]
"""Told (views done, views in all, the name of the next one)."""

T = TypeVar("T")


@dataclass
class Inspection:
    """What was seen; a view is None where it does not apply or the budget was spent, `left_out` says which and why."""

    name: str
    graph: Graph
    card: Card
    parameters: int
    picture: np.ndarray  # (h, w, c) float32: what the network was shown, without channels of its own
    shown: str  # in words
    costs: list[LayerCost]
    fields: list[ReceptiveField]
    filters: Filters | None = None
    activity: list[Activity] = field(default_factory=list)
    verdict: list[Finding] = field(default_factory=list)
    equivariance: Equivariance | None = None
    precision: PrecisionLoss | None = None
    prunings: list[PruningLoss] = field(default_factory=list)
    times: LayerTimes | None = None
    left_out: dict[str, str] = field(default_factory=dict)


def inspect(
    net: Network, picture: np.ndarray | None = None, budget: float = 60.0, progress: Progress | None = None
) -> Inspection:
    """Looks at `net` on the middle of a picture (h, w, c), or on a drawn one; no view begins after `budget` seconds."""
    end = time.monotonic() + budget
    shown = "the middle of the picture"
    if picture is None:
        picture, shown = (
            dead_leaves(),
            "a drawn picture of overlapping discs, whose statistics are those of photographs",
        )
    x = middle(net, picture)
    if denoises(net):
        shown += f" with noise of {255 * SIGMA:.0f} grey levels, as the network expects it"
        x = noisy(x)
    h, w = net.graph.size or x.shape[:2]
    seen = as_input(net, x)[0]
    seen = seen[..., : 3 if seen.shape[2] >= 3 else 1]
    words = f"{shown}, {w} x {h} pixels"
    found = Inspection(
        net.name, net.graph, net.card, net.parameters, seen, words, cost(net, h, w), receptive_field(net)
    )

    def look(number: int, name: str, view: Callable[[Network, np.ndarray], T]) -> T | None:
        if progress:
            progress(number, VIEWS, name)
        if time.monotonic() > end:
            found.left_out[name] = f"the budget of {budget:g} s was spent"
            return None
        try:
            return view(net, x)
        except UsageError as error:  # a view that does not apply to this network
            found.left_out[name] = str(error)
            return None

    found.activity = look(0, "activations", activations) or []  # first what most is to be learned from
    if found.activity:
        flat = Finding("", None, "The picture is the same all over, so nothing can be said of the units.")
        found.verdict = verdict(found.activity) if np.ptp(seen) else [flat]
    found.precision = look(1, "precision", precisions)
    found.filters = look(2, "filters", lambda net, x: filters(net))
    found.equivariance = look(3, "equivariance", equivariance)
    found.times = look(4, "time", lambda net, x: layer_times(net, h, w))
    found.prunings = look(5, "pruned copies", prunings) or []
    if progress:
        progress(VIEWS, VIEWS, "")
    return found


def names_classes(card: Card) -> bool:
    """Whether the channels of the answer are classes."""
    return card.task in ("classify", "segment")


def denoises(net: Network) -> bool:
    """Whether it says so, or is told a noise level."""
    return net.card.task == "denoise" or net.graph.channels in (2, 4)


def noisy(picture: np.ndarray) -> np.ndarray:
    """As float32 with the noise that networks are told of; always the same."""
    from pellucid.picture import to_float

    noise = np.random.default_rng(0).normal(0, SIGMA, picture.shape)
    return (to_float(picture) + noise).astype(np.float32)


def middle(net: Network, picture: np.ndarray) -> np.ndarray:
    """The middle of a picture, as large as the maps of all layers fit into memory; whole for networks of one size."""
    if net.graph.size:
        return picture
    side = LONGEST_SIDE
    while side > SMALLEST_SIDE and sum(layer.map_bytes for layer in cost(net, side, side)) > MOST_MAP_BYTES:
        side //= 2
    m = net.graph.multiple
    h, w = (min(n, side) // m * m or n for n in picture.shape[:2])
    y, x = (picture.shape[0] - h) // 2, (picture.shape[1] - w) // 2
    return picture[y : y + h, x : x + w]


def dead_leaves(h: int = 256, w: int = 256, seed: int = 0) -> np.ndarray:
    """Discs of random colour that cover each other, radii by the inverse cube: (h, w, 3) float32, always the same."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:h, :w]
    picture = np.full((h, w, 3), 0.5, np.float32)
    for _ in range(600):
        r = 4 / np.sqrt(1 - random.random() * (1 - (4 / 64) ** 2))  # between 4 and 64
        inside = (y - random.uniform(0, h)) ** 2 + (x - random.uniform(0, w)) ** 2 < r * r
        picture[inside] = random.beta(2, 2, 3)
    return picture
