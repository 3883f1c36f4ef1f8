"""[C7] What each layer of a network costs on a picture of a given size: the engine's own sums, laid out by layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pellucid.graph import INPUT

if TYPE_CHECKING:
    from pellucid.network import Network


@dataclass(frozen=True)
class LayerCost:
    """`shape` is (h, w, c); a multiply-add counts once; bytes as float32, `kept_bytes` what the engine holds of it."""

    layer: str
    operation: str
    shape: tuple[int, int, int]
    parameters: int
    multiply_adds: float
    map_bytes: int
    kept_bytes: int


def cost(net: Network, h: int, w: int) -> list[LayerCost]:
    """[C7] Every layer's cost for a picture of h x w, from input to output."""
    planned: dict[str, list[dict]] = {}
    for step in net.plan(h, w, "fp32")["nodes"]:
        planned.setdefault(step["name"], []).append(step)
    layers: list[LayerCost] = []
    counted: set[str] = set()
    shapes: dict[str, tuple[int, int, int]] = {INPUT: (h, w, net.graph.channels)}
    for node in net.graph.nodes:
        steps = planned.get(node.name, [])  # an operation may be several steps, or a part of another's
        own = {
            name: array.size for name, array in net.weights.items() if name.rpartition(".")[0] == node.weights_prefix
        }
        parameters = sum(size for name, size in own.items() if name not in counted)
        counted |= set(own)  # weights that layers share count once
        # What is done within another's step, such as a rectifier, leaves the shape as it is.
        shape = shapes[node.name] = tuple(steps[-1]["shape"]) if steps else shapes[node.inputs[0]]
        sums = sum(step["multiply_adds"] for step in steps)
        kept = sum(step["bytes"] for step in steps)
        layers.append(
            LayerCost(node.name, node.operation, shape, parameters, sums, 4 * shape[0] * shape[1] * shape[2], kept)
        )
    return layers
