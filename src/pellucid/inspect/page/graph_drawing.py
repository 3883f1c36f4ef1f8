"""The graph as a drawing: one box per layer from top to bottom, rectifiers in the box of the layer they follow."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass

from pellucid.graph import INPUT, Graph, Node
from pellucid.inspect.layer_costs import LayerCost
from pellucid.inspect.page.charts import ending
from pellucid.inspect.unit_activity import ACTIVATIONS

BOX_WIDTH, BOX_HEIGHT, ROW, COLUMN = 224, 38, 56, 244
SLICE = 12
"""Rows of boxes in one slice of the drawing."""


@dataclass
class Box:
    """A layer, with the activations that follow it and nothing else."""

    name: str
    title: str
    detail: str
    inputs: list[str]
    share: float = 0.0
    row: int = 0
    column: int = 0


def draw_graph(graph: Graph, costs: list[LayerCost], shares: Mapping[str, float] | None = None) -> str:
    """Inline SVG, cut into slices that stand side by side where there is room.

    The darker a box, the larger its layer's share, of the multiply-adds unless said.
    """
    total = sum(layer.multiply_adds for layer in costs) or 1.0
    shares = {layer.layer: layer.multiply_adds / total for layer in costs} if shares is None else shares
    boxes = _boxes(graph, {layer.layer: layer for layer in costs}, shares)
    _place(boxes)
    columns = 1 + max(box.column for box in boxes.values())
    around = any(_goes_around(boxes[name], box) for box in boxes.values() for name in box.inputs)
    width = columns * COLUMN + (120 if around else 0)
    height = (1 + max(box.row for box in boxes.values())) * ROW + 10
    edges = "".join(_edge(boxes[source], box) for box in boxes.values() for source in box.inputs)
    drawn = "".join(_box(box) for box in boxes.values())
    head = (
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path class="tip" d="M0 0 8 4 0 8z"/></marker></defs>'
    )
    label = f"The network's graph: {len(boxes) - 1} boxes from the input at the top to the output at the bottom"
    whole = f'{head}<g id="graph">{edges}{drawn}</g>'
    slices = range(0, height, SLICE * ROW)
    parts = [
        f'<svg class="graph" viewBox="0 {y} {width} {min(SLICE * ROW, height - y)}" style="width:{width}px"'
        + (f' role="img" aria-label="{label}">{whole}</svg>' if y == 0 else '><use href="#graph"/></svg>')
        for y in slices
    ]
    return f'<div class="slices">{"".join(parts)}</div>'


def _boxes(graph: Graph, costs: dict[str, LayerCost], shares: Mapping[str, float]) -> dict[str, Box]:
    """By name, the input first; an activation joins its layer's box where nobody else reads that layer."""
    readers: dict[str, int] = {}
    for node in graph.nodes:
        for name in node.inputs:
            readers[name] = readers.get(name, 0) + 1
    boxes = {INPUT: Box(INPUT, INPUT, f"{graph.channels} channel{'s' if graph.channels > 1 else ''}", [])}
    home = {INPUT: INPUT}
    for node in graph.nodes:
        source = node.inputs[0]
        if node.operation in ACTIVATIONS and readers[source] == 1 and home[source] != INPUT:
            home[node.name] = home[source]
            boxes[home[source]].title += f" + {node.operation}"
            continue
        home[node.name] = node.name
        layer = costs[node.name]
        h, w, c = layer.shape
        boxes[node.name] = Box(
            node.name,
            _title(node),
            f"{w} x {h} x {c}",
            list(dict.fromkeys(home[name] for name in node.inputs)),
            shares[node.name],
        )
    return boxes


def _title(node: Node) -> str:
    return node.operation.replace("_", " ")


def _place(boxes: dict[str, Box]) -> None:
    """Each box one row below its lowest input; in a row side by side."""
    used: dict[int, int] = {}
    for box in boxes.values():
        box.row = 1 + max((boxes[name].row for name in box.inputs), default=-1)
        box.column = used.get(box.row, 0)
        used[box.row] = box.column + 1


def _centre(box: Box) -> float:
    return 10 + box.column * COLUMN + BOX_WIDTH / 2


def _goes_around(source: Box, target: Box) -> bool:
    """Whether boxes lie between two that are joined."""
    return target.row - source.row > 1


def _edge(source: Box, target: Box) -> str:
    x0, y0 = _centre(source), source.row * ROW + BOX_HEIGHT + 4
    x1, y1 = _centre(target), target.row * ROW + 4
    if not _goes_around(source, target):
        return f'<path class="edge" marker-end="url(#tip)" d="M{x0} {y0} L{x1} {y1}"/>'
    side = max(x0, x1) + BOX_WIDTH / 2 + 40 + min(40, 4 * (target.row - source.row))  # round the boxes between
    start, end = f"M{x0 + BOX_WIDTH / 2} {y0 - BOX_HEIGHT / 2}", f"{x1 + BOX_WIDTH / 2} {y1 + BOX_HEIGHT / 2}"
    return f'<path class="edge" marker-end="url(#tip)" d="{start} C{side} {y0} {side} {y1} {end}"/>'


def _box(box: Box) -> str:
    x, y = 10 + box.column * COLUMN, box.row * ROW + 4
    share = f", {box.share:.0%}" if box.share >= 0.005 else ""
    title, name = html.escape(_short(box.title, 28)), html.escape(ending(box.name, 16))
    return (
        f'<g><title>{html.escape(box.name)}</title><rect class="box" x="{x}" y="{y}" width="{BOX_WIDTH}"'
        f' height="{BOX_HEIGHT}" rx="6"/><rect class="heat" x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}"'
        f' rx="6" fill-opacity="{min(0.6, 2 * box.share):.3f}"/>'
        f'<text class="name" x="{x + 8}" y="{y + 16}">{title}</text>'
        f'<text class="detail" x="{x + 8}" y="{y + 31}">{name}: {box.detail}{share}</text></g>'
    )


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
