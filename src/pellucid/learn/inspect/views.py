"""All views of one network that need gradients, within a time: what the page shows when torch is installed."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable

import torch
from torch import Tensor

from pellucid.errors import UsageError
from pellucid.graph import INPUT, Graph
from pellucid.inspect.as_input import SIGMA, as_input
from pellucid.inspect.gradient_views import Flow, GradientViews
from pellucid.inspect.inspection import Inspection
from pellucid.inspect.receptive_fields import receptive_field
from pellucid.inspect.shifts import whole_step
from pellucid.inspect.unit_activity import ACTIVATIONS
from pellucid.learn.inspect.as_module import AsModule, as_module
from pellucid.learn.inspect.attribution import Box, attribution
from pellucid.learn.inspect.effective_field import effective_field
from pellucid.learn.inspect.gradient_flow import gradient_flow
from pellucid.learn.inspect.visualisation import strongest_units, visualise
from pellucid.network import Network

MOST_SIDE, BESIDE = 96, 8
PATTERN_UNITS, PATTERN_STEPS, SMALLEST_PATTERN, LARGEST_PATTERN = 5, 24, 16, 28

Progress = Callable[[int, int, str], None]


def look_with_gradients(
    net: Network, seen: Inspection, seconds: float, progress: Progress | None = None
) -> GradientViews:
    """Adds to what `inspect` has seen; no view begins after so many seconds."""
    end = time.monotonic() + seconds
    module, found = as_module(net), GradientViews()
    x = torch.from_numpy(as_input(net, seen.picture).transpose(0, 3, 1, 2).copy())
    views: dict[str, Callable[[], None]] = {
        "gradients through depth": lambda: _flow(net, x, seen, found),
        "effective field": lambda: _effective(net, module, seen, found),
        "attribution": lambda: _attribution(net, module, x, found),
        "patterns": lambda: _patterns(net, module, seen, found),
    }
    for number, (name, view) in enumerate(views.items()):
        if progress:
            progress(number, len(views), name)
        if time.monotonic() > end:
            found.left_out[name] = "the budget was spent"
            continue
        try:
            view()
        except UsageError as error:
            found.left_out[name] = str(error)
    return found


def _flow(net: Network, x: Tensor, seen: Inspection, found: GradientViews) -> None:
    module = as_module(net, free=True)
    if net.graph.size is None:
        x = _centre(x, whole_step(seen.fields, net.graph.multiple))
    way = longest_way(net.graph)
    found.flow, found.at_start = (
        [layer for layer in flow if layer.layer in way] for flow in (gradient_flow(module, x), at_start(module, x))
    )


def longest_way(graph: Graph) -> set[str]:
    """The layers through which depth is counted: of ways that part and meet again the one with most layers."""
    before = {node.name: node.inputs for node in graph.nodes}
    depth = {INPUT: 0}
    for node in graph.nodes:
        depth[node.name] = 1 + max(depth[name] for name in node.inputs)
    way, name = set(), graph.nodes[-1].name
    while name != INPUT:
        way.add(name)
        name = max(before[name], key=lambda source: depth[source])
    return way


def at_start(module: AsModule, x: Tensor, seed: int = 0) -> list[Flow]:
    """[E7] The same for weights as He's initialisation draws them, biases zero."""
    fresh, generator = copy.deepcopy(module), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in fresh.parameters():
            if p.requires_grad and p.ndim > 1:
                p.normal_(std=(2 / p[0].numel()) ** 0.5, generator=generator)
            elif p.requires_grad and p.ndim == 1:
                p.zero_()
    return gradient_flow(fresh, x)


def _effective(net: Network, module: AsModule, seen: Inspection, found: GradientViews) -> None:
    size = seen.fields[-1].size
    if size is None:
        raise UsageError("every number depends on the whole picture")
    side, m = min(max(size) + BESIDE, MOST_SIDE), net.graph.multiple
    told = SIGMA if net.graph.channels in (2, 4) else None
    found.effective = effective_field(module, net.graph.channels, -(-side // m) * m, samples=4, told=told)


def _attribution(net: Network, module: AsModule, x: Tensor, found: GradientViews) -> None:
    if x.shape[1] > 4 or x.shape[2] < 2 or x.shape[3] < 2:
        raise UsageError("the network reads no picture")
    size = x.shape[2], x.shape[3]
    found.attribution = attribution(
        module, x, told=net.graph.channels in (2, 4), part=lambda place: what_makes(net, place, size)
    )


def what_makes(net: Network, place: tuple[int, int], size: tuple[int, int]) -> Box:
    """All of a picture of `size` that the answer at `place` can depend on, begun and ended at the network's steps."""
    fields = receptive_field(net)
    box, step = fields[-1].box(*place), whole_step(fields, net.graph.multiple)
    if box is None:
        return 0, size[0], 0, size[1]
    (y0, y1), (x0, x1) = (
        (max(0, first // step * step), min(n, -(-(last + 1) // step) * step))
        for first, last, n in ((*box[:2], size[0]), (*box[2:], size[1]))
    )
    return y0, y1, x0, x1


def _centre(x: Tensor, step: int) -> Tensor:
    """The middle of a picture (1, c, h, w), as large as the network's step and `MOST_SIDE` let it."""
    h, w = (n if n <= MOST_SIDE else MOST_SIDE // step * step or n for n in x.shape[2:])
    y, column = (x.shape[2] - h) // 2, (x.shape[3] - w) // 2
    return x[:, :, y : y + h, column : column + w]


def _patterns(net: Network, module: AsModule, seen: Inspection, found: GradientViews) -> None:
    """Of the hidden layers in the middle and at the end, before their activation: a shut rectifier has no gradient."""
    before = {node.name: node.inputs[0] for node in net.graph.nodes}
    hidden = [a for a in seen.activity[:-1] if a.operation in ACTIVATIONS and a.units > 1]
    chosen = {a.layer: a for a in (hidden[len(hidden) // 2], hidden[-1])} if hidden else {}
    fields = {field.layer: field.size for field in seen.fields}
    for name, activity in chosen.items():
        found.patterns += visualise(
            module, before[name], strongest_units(activity.maps, PATTERN_UNITS), _side(net, fields[name]), PATTERN_STEPS
        )


def _side(net: Network, field: tuple[int, int] | None) -> tuple[int, int]:
    if net.graph.size:
        return net.graph.size
    m = net.graph.multiple
    side = LARGEST_PATTERN if field is None else min(max(2 * max(field), SMALLEST_PATTERN), LARGEST_PATTERN)
    return -(-side // m) * m, -(-side // m) * m
