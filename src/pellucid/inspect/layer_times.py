"""[C7] The time of each layer, measured on this machine: every layer run alone, on maps of the shapes it has within.

In a whole run the engine takes layers together, over rectangles that stay in the cache, so the times of single layers
add up to more than a run takes; their shares tell where the time goes. Rectifiers that ride along with the layer before
them are measured nowhere, and joins of maps with different shapes cannot be run alone.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pellucid.graph import INPUT, Graph, Node
from pellucid.inspect.layer_costs import cost

if TYPE_CHECKING:
    from pellucid.network import Network

RUNS = 3
LONG = 0.2
"""A layer that takes as many seconds is not run again."""


@dataclass(frozen=True)
class LayerTimes:
    """`seconds` by layer, the best of a few runs each; `whole` is one run of the network, float32, all threads.
    `spread` is by how much of it the slowest run of a layer was longer than the best, the median over the layers."""

    seconds: dict[str, float]
    whole: float
    spread: float

    def share(self, layer: str) -> float | None:
        """Of the sum of all layers; None for those that were not measured."""
        total = sum(self.seconds.values())
        return self.seconds[layer] / total if layer in self.seconds and total else None


def layer_times(net: Network, h: int, w: int) -> LayerTimes:
    """[C7] The time of every layer that has a step of its own, for a picture of h x w."""
    plan = net.plan(h, w, "fp32")
    steps = {step["name"] for step in plan["nodes"]}
    shapes = {INPUT: tuple(plan["input"])} | {layer.layer: layer.shape for layer in cost(net, h, w)}
    seconds, slowest = {}, {}
    for node in net.graph.nodes:
        single = alone(net, node, shapes) if node.name in steps else None
        if single is not None:
            seconds[node.name], slowest[node.name] = _best_and_worst(single, shapes[node.inputs[0]])
    spreads = [slowest[name] / seconds[name] - 1 for name in seconds if seconds[name] < LONG]
    whole, _ = _best_and_worst(net, (h, w, net.graph.channels))
    return LayerTimes(seconds, whole, float(np.median(spreads)) if spreads else float("nan"))


def alone(net: Network, node: Node, shapes: dict[str, tuple[int, int, int]]) -> Network | None:
    """A network of this layer alone; None where it reads maps of different shapes."""
    from pellucid.card import Card
    from pellucid.modelfile import ModelFile
    from pellucid.network import Network

    if len({shapes[name] for name in node.inputs}) != 1:
        return None
    weights = {name: array for name, array in net.weights.items() if name.rpartition(".")[0] == node.weights_prefix}
    single = Node(node.name, node.operation, (INPUT,) * len(node.inputs), node.attributes, node.weights)
    return Network(ModelFile(Graph((single,), shapes[node.inputs[0]][2]), weights, Card()), node.name)


def _best_and_worst(net: Network, shape: tuple[int, int, int]) -> tuple[float, float]:
    x = np.random.default_rng(0).random((1, *shape), np.float32)
    taken: list[float] = []
    while len(taken) < RUNS and not (taken and min(taken) > LONG):
        start = time.perf_counter()
        net.run(x, "fp32")
        taken.append(time.perf_counter() - start)
    return min(taken), max(taken)
