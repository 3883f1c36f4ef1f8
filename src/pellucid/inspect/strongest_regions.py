"""[E3] What excites the units of a layer: of many pictures, the regions to which each unit answers most strongly.

A region is what the unit can depend on, its receptive field cut out of the picture; of each picture at most one counts,
so that nine views of one edge do not stand for nine pictures. It needs no gradients.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from pellucid.inspect.as_input import as_input
from pellucid.inspect.receptive_fields import ReceptiveField, receptive_field

if TYPE_CHECKING:
    from pellucid.network import Network


@dataclass(frozen=True)
class Region:
    """`value` is the unit's number at (y, x) of its map; `pixels` (h, w, channels) what the network read there."""

    picture: str
    value: float
    place: tuple[int, int]
    pixels: np.ndarray
    guided: np.ndarray | None = None  # (h, w, channels), signed: the gradients back to the pixels, where they are known


@dataclass
class UnitRegions:
    """The strongest first."""

    layer: str
    unit: int
    regions: list[Region] = field(default_factory=list)


Back = Callable[[np.ndarray, int, tuple[int, int]], np.ndarray]
"""(what the network read (1, h, w, c), unit, place) -> gradients (h, w, c); see `pellucid.learn.inspect.guided`."""


def strongest_regions(
    net: Network,
    layer: str,
    pictures: Iterable[tuple[str, np.ndarray]],
    units: int = 6,
    each: int = 6,
    back: Back | None = None,
) -> list[UnitRegions]:
    """[E3] Of (name, picture)s, the `each` strongest regions of the units that answer most strongly anywhere."""
    seen = {f.layer: f for f in receptive_field(net)}
    best: dict[int, list[Region]] = {}
    shown: dict[str, np.ndarray] = {}
    for name, picture in pictures:
        x = as_input(net, picture)
        maps = net.run(x, "fp32", keep=[layer])[1][layer][0]  # (h, w, units)
        shown[name] = x
        for unit in range(maps.shape[2]):
            place = np.unravel_index(int(maps[..., unit].argmax()), maps.shape[:2])
            y, column = int(place[0]), int(place[1])
            kept = best.setdefault(unit, [])
            kept.append(Region(name, float(maps[y, column, unit]), (y, column), np.empty(0)))
            kept.sort(key=lambda region: -region.value)
            del kept[each:]
        used = {region.picture for kept in best.values() for region in kept}
        shown = {key: value for key, value in shown.items() if key in used}
    strongest = {unit: kept[0].value for unit, kept in best.items() if kept and kept[0].value > 0}
    chosen = sorted(strongest, key=lambda unit: -strongest[unit])[:units]
    step = net.graph.multiple if net.graph.size is None else max(net.graph.size)
    return [
        UnitRegions(layer, u, [_cut(r, u, shown[r.picture], seen[layer], back, step) for r in best[u]]) for u in chosen
    ]


def _cut(region: Region, unit: int, x: np.ndarray, seen: ReceptiveField, back: Back | None, step: int) -> Region:
    h, w = x.shape[1:3]
    y0, y1, x0, x1 = seen.box(*region.place) or (0, h - 1, 0, w - 1)
    y0, x0, y1, x1 = max(0, y0), max(0, x0), min(h, y1 + 1), min(w, x1 + 1)
    pixels = x[0, y0:y1, x0:x1]
    if back is None:
        return Region(region.picture, region.value, region.place, pixels)
    # What lies outside the field changes nothing, so a smaller picture will do, moved by whole steps of the layer.
    (cy, py), (cx, px) = (
        _moved(at, i, window.jump, step)
        for at, i, window in ((y0, region.place[0], seen.y), (x0, region.place[1], seen.x))
    )
    part = x[:, cy : -(-y1 // step) * step, cx : -(-x1 // step) * step]
    guided = back(part, unit, (py, px))[y0 - cy : y1 - cy, x0 - cx : x1 - cx]
    return Region(region.picture, region.value, region.place, pixels, guided)


def _moved(start: int, place: int, jump: Fraction, step: int) -> tuple[int, int]:
    """Where a part that holds `start` may begin, and the unit's place in it."""
    whole = math.lcm(step, jump.numerator)
    begin = start // whole * whole
    return begin, place - int(begin / jump)
