"""Line charts as SVG that takes its colours from the page, so that light, dark and paper all read well."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEFT, RIGHT, TOP, BOTTOM = 64, 16, 16, 56
WIDTH, HEIGHT = 640, 268
STYLES = ("", "6 4", "2 3", "10 3 2 3")
MOST_NAMES, MOST_SHORT_NAMES, LONGEST_NAME = 6, 16, 12


@dataclass(frozen=True)
class Line:
    """Values over 0, 1, 2, ... or over `x`."""

    label: str
    y: Sequence[float]
    x: Sequence[float] | None = None


def line_chart(
    lines: Sequence[Line],
    across: str,
    up: str,
    log: bool = False,
    names: Sequence[str] = (),
    of_power: bool = False,
) -> str:
    """One chart; `names` label the whole numbers of the axis. Values that a logarithm lacks are left out. With
    `of_power` the numbers across are exponents of ten."""
    points = [
        [(x, _scaled(y, log)) for x, y in zip(line.x or range(len(line.y)), line.y, strict=True) if _drawable(y, log)]
        for line in lines
    ]
    every = [point for line in points for point in line]
    if not every:
        return ""
    x0, x1 = min(x for x, _ in every), max(x for x, _ in every)
    ticks = _ticks(min(y for _, y in every), max(y for _, y in every), log)
    y0, y1 = ticks[0], ticks[-1]

    def at(x: float, y: float) -> tuple[float, float]:
        px = LEFT + (x - x0) / ((x1 - x0) or 1) * (WIDTH - LEFT - RIGHT)
        return px, HEIGHT - BOTTOM - (y - y0) / ((y1 - y0) or 1) * (HEIGHT - TOP - BOTTOM)

    body = [_grid(ticks, at, x0, log), _names(names, at, y0) if names else _numbers(x0, x1, at, y0, of_power)]
    for number, line in enumerate(points):
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in (at(*point) for point in line))
        body.append(f'<polyline class="line l{number}" stroke-dasharray="{STYLES[number % 4]}" points="{path}"/>')
        body += [f'<circle class="dot l{number}" cx="{at(*p)[0]:.1f}" cy="{at(*p)[1]:.1f}" r="3"/>' for p in line]
    body.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{html.escape(across)}</text>'
    )
    title = html.escape(f"{up}, over {across}")
    drawing = f'<svg class="chart" role="img" aria-label="{title}" viewBox="0 0 {WIDTH} {HEIGHT}">{"".join(body)}</svg>'
    return f'<p class="up">{html.escape(up)} {_legend(lines)}</p>{drawing}'


def _legend(lines: Sequence[Line]) -> str:
    if len(lines) < 2:
        return ""
    return " ".join(f'<span class="key">{_sample(i)} {html.escape(line.label)}</span>' for i, line in enumerate(lines))


def _sample(number: int) -> str:
    dashes = STYLES[number % 4]
    line = f'<line class="line l{number}" x1="0" x2="36" y1="4" y2="4" stroke-dasharray="{dashes}"/>'
    return f'<svg class="sample" viewBox="0 0 36 8">{line}</svg>'


def _drawable(y: float, log: bool) -> bool:
    return math.isfinite(y) and (not log or y > 0)


def _scaled(y: float, log: bool) -> float:
    return math.log10(y) if log else float(y)


def _ticks(low: float, high: float, log: bool) -> list[float]:
    """Round numbers from below the lowest value to above the highest; exponents of ten where `log`."""
    if log:
        step = max(1, math.ceil((high - low) / 5))
        first = math.floor(low)
        return [first + i * step for i in range(math.ceil((high - first) / step) + 1 if high > first else 2)]
    low = min(low, 0.0)
    span = (high - low) or 1.0
    step = 10 ** math.floor(math.log10(span / 4))
    step *= next(k for k in (1, 2, 5, 10) if span / (k * step) <= 5)
    first = math.floor(low / step + 1e-9)
    return [step * i for i in range(first, math.ceil(high / step - 1e-9) + 1)] or [0.0, 1.0]


def _grid(ticks, at, x0, log) -> str:  # type: ignore[no-untyped-def]
    parts = []
    for tick in ticks:
        y = at(x0, tick)[1]
        label = f"1e{tick:g}" if log else f"{tick:g}"
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 5:.1f}" text-anchor="end">{label}</text>')
    return "".join(parts)


def _names(names, at, y0) -> str:  # type: ignore[no-untyped-def]
    """Not more names than there is room for, the last one always."""
    most = MOST_NAMES if max(map(len, names)) > 3 else MOST_SHORT_NAMES
    shown = sorted({round(i) for i in np.linspace(0, len(names) - 1, min(len(names), most))})
    row = HEIGHT - BOTTOM + 26
    texts = []
    for i in shown:
        anchor = "end" if i and i == len(names) - 1 else "middle"  # the last one must not leave the drawing
        x = at(i, y0)[0] + (RIGHT - 2 if anchor == "end" else 0)
        spare = (len(shown) - 1 - shown.index(i)) % 2  # a phone has room for every second name, the last one always
        name = html.escape(ending(names[i], LONGEST_NAME))
        texts.append(f'<text class="s{spare}" x="{x:.1f}" y="{row}" text-anchor="{anchor}">{name}</text>')
    return "".join(texts)


def ending(text: str, most: int) -> str:
    """Of long names the end, which tells them apart."""
    return text if len(text) <= most else "…" + text[1 - most :]


def _numbers(x0, x1, at, y0, of_power) -> str:  # type: ignore[no-untyped-def]
    values = sorted({round(x0 + (x1 - x0) * i / 4, 6) for i in range(5)})
    return "".join(
        f'<text class="s{i % 2}" x="{at(v, y0)[0]:.1f}" y="{HEIGHT - BOTTOM + 26}" text-anchor="middle">'
        f"{f'{10**v:.2g}' if of_power else f'{v:g}'}</text>"
        for i, v in enumerate(values)
    )
