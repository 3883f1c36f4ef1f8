"""[E2] What every layer does on one picture: mean, variance, sparsity, dead units, correlation, and a verdict in words.

The documents' signs: in a net that trained well, hidden units vary much, are sparse across samples and across features,
and are uncorrelated; in one that trained badly many units ignore the input or repeat each other. One picture is one
sample with as many positions as the map has, so a unit that is silent here may speak elsewhere: the verdict says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pellucid.inspect.as_input import as_input

if TYPE_CHECKING:
    from pellucid.network import Network

RECTIFIERS = {"relu", "leaky_relu", "prelu", "selu", "gelu", "hardswish", "softplus", "silu"}
ACTIVATIONS = frozenset(RECTIFIERS | {"sigmoid", "tanh", "sine", "softsign", "step"})
SILENT = 1e-6
"""A unit is dead whose deviation is below this part of its layer's largest value."""
MOST_UNITS = 256
"""Of larger layers as many units are drawn, evenly, for the correlations and the maps."""
MOST_POSITIONS = 4096
"""Of larger maps as many positions, evenly drawn, are correlated."""
MANY_DEAD, STRONG, FADED, FADING, GROWN, HARDLY_SPARSE = 0.2, 0.6, 1e-3, 0.1, 1e2, 0.05
MOST_NAMED = 4
"""Layers that a sentence names."""
CURE = " They cost time and say nothing; PReLU or a smaller rate in training keeps units alive."


@dataclass(frozen=True)
class Activity:
    """One layer on one picture. `maps` is (h, w, c), `correlation` between units that are not dead."""

    layer: str
    operation: str
    maps: np.ndarray
    mean: float
    variance: float
    sparsity: float  # the share of numbers that are zero, or as good as
    units: int
    dead: tuple[int, ...]
    correlation: np.ndarray
    correlated: float  # root mean square of the correlations of different units; NaN where there is none


@dataclass(frozen=True)
class Finding:
    """One sentence of the verdict; `good` is None for what is neither."""

    layer: str
    good: bool | None
    sentence: str


def activations(net: Network, picture: np.ndarray, layers: Sequence[str] | None = None) -> list[Activity]:
    """[E2] Every layer's activity on a picture, from input to output, or that of the layers named."""
    names = net.layers if layers is None else list(layers)
    _, kept = net.run(as_input(net, picture), "fp32", keep=names)
    operations = {node.name: node.operation for node in net.graph.nodes}
    return [_activity(name, operations[name], kept[name][0]) for name in names]


def verdict(found: Sequence[Activity]) -> list[Finding]:
    """[E2] The documents' signs of good and bad training, as far as one picture shows them."""
    hidden = [a for a in found[:-1] if a.operation in ACTIVATIONS and a.units > 1]
    if not hidden:
        return [Finding("", None, "No layer has an activation, so there are no hidden units to judge.")]
    findings = [*_dead_units(hidden), *_repeating(hidden), *_fading(hidden), *_sparsity(hidden)]
    return sorted(findings, key=lambda finding: (finding.good is not False, finding.good is None))


def _activity(name: str, operation: str, maps: np.ndarray) -> Activity:
    values = maps.reshape(-1, maps.shape[-1]).astype(np.float64)  # (positions, units)
    largest = float(np.abs(values).max())
    deviation = values.std(axis=0)
    single = len(values) == 1  # one position says nothing about what varies: no unit of a dense layer counts as dead
    silent = (deviation <= SILENT * largest) & (not single)
    alive = np.flatnonzero(~silent)
    drawn = alive[np.unique(np.linspace(0, len(alive) - 1, min(len(alive), MOST_UNITS)).astype(int))]
    every = -(-len(values) // MOST_POSITIONS)
    correlation = np.zeros((0, 0)) if single else _correlation(values[::every, drawn])
    off = correlation[~np.eye(len(correlation), dtype=bool)]
    return Activity(
        name,
        operation,
        maps,
        float(values.mean()),
        float(values.var()),
        float(np.mean(np.abs(values) <= SILENT * largest)),
        maps.shape[-1],
        tuple(map(int, np.flatnonzero(silent))),
        correlation,
        float(np.sqrt(np.mean(off**2))) if off.size else float("nan"),
    )


def _correlation(values: np.ndarray) -> np.ndarray:
    """(positions, units) -> (units, units); every column varies."""
    if not values.shape[1]:
        return np.zeros((0, 0))
    centred = values - values.mean(axis=0)
    centred /= np.maximum(np.linalg.norm(centred, axis=0), 1e-30)
    return np.clip(centred.T @ centred, -1, 1)


def independent(correlation: np.ndarray) -> float:
    """How many units that have nothing in common would spread as these: the exponent of their directions' entropy."""
    share = np.maximum(np.linalg.eigvalsh(correlation), 1e-30) / len(correlation)
    return float(np.exp(-(share * np.log(share)).sum()))


def _dead_units(hidden: list[Activity]) -> list[Finding]:
    silent, units = sum(len(a.dead) for a in hidden), sum(a.units for a in hidden)
    bad = [a for a in hidden if len(a.dead) > MANY_DEAD * a.units]
    if bad:
        worst = sorted(bad, key=lambda a: -len(a.dead) / a.units)
        named = ", ".join(f"{a.layer} ({len(a.dead)} of {a.units})" for a in worst[:MOST_NAMED])
        where = f"in {len(bad)} of {len(hidden)} layers more than a fifth, most in {named}"
        cure = CURE if worst[0].operation == "relu" else ""
        sentence = f"{silent} of {units} hidden units ignore the picture, {where}.{cure}"
        return [Finding(worst[0].layer, False, sentence)]
    return [Finding("", True, f"Hidden units answer to the picture: {silent} of {units} are silent on it.")]


def _repeating(hidden: list[Activity]) -> list[Finding]:
    bad = [a for a in hidden if a.correlated > STRONG]
    if bad:
        worst = max(bad, key=lambda a: a.correlated)
        where = f"in {len(bad)} of {len(hidden)} layers, most in {worst.layer}"
        few = f"{len(worst.correlation)} units vary there like {independent(worst.correlation):.1f} that differ"
        known = f"correlation {worst.correlated:.2f}, wished below {STRONG}"
        return [Finding(worst.layer, False, f"Units repeat each other {where}: {few} ({known}).")]
    largest = max((a.correlated for a in hidden if a.correlated == a.correlated), default=0.0)
    return [Finding("", True, f"Units differ from each other: correlations of at most {largest:.2f} in any layer.")]


def _fading(hidden: list[Activity]) -> list[Finding]:
    first, last = hidden[0].variance, hidden[-1].variance
    if first == 0 or last / first < FADED:
        part = f"{last / first:.1g} of the variance of {hidden[0].layer}" if last else "nothing to say"
        return [Finding(hidden[-1].layer, False, f"Activity fades with depth: {hidden[-1].layer} has {part}.")]
    if last / first > GROWN:
        return [Finding(hidden[-1].layer, False, f"Activity grows {last / first:.1g} times from first layer to last.")]
    size = f"{last / first:.2g} of" if last < first else f"{last / first:.2g} times"
    if last / first < FADING:
        well = "which is well where the picture goes around the layers"
        return [Finding("", None, f"Activity falls: the last hidden layer's variance is {size} the first's, {well}.")]
    return [Finding("", True, f"Activity lasts: the variance of the last hidden layer is {size} the first's.")]


def _sparsity(hidden: list[Activity]) -> list[Finding]:
    live = [(a, a.units - len(a.dead)) for a in hidden if a.operation == "relu" and len(a.dead) < a.units]
    if not live:
        return []
    mean = float(np.mean([(a.sparsity * a.units - len(a.dead)) / units for a, units in live]))  # of live units alone
    if mean < HARDLY_SPARSE:
        return [
            Finding("", None, f"Hardly sparse: {mean:.0%} of the numbers of live units are zero, so little is gated.")
        ]
    return [Finding("", True, f"Sparse: {mean:.0%} of the numbers of live units are zero.")]
