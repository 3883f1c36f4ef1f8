"""[E8] The race of the optimisers as a page: their paths, and dots that walk them by one clock.

The dots move by the picture's own animation: no script, nothing fetched.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

from pellucid.inspect.landscapes import LANDSCAPES, OPTIMISERS, Landscape, Path
from pellucid.inspect.page.document import document
from pellucid.inspect.page.landscape_picture import COLOURS
from pellucid.inspect.page.pictures import coloured, data_uri
from pellucid.inspect.page.sections import figure, table

WIDTH, HEIGHT = 480, 320
FRAMES, SECONDS, MOST_STEPS = 80, 10, 400
GRID = 160
PALE = 80
"""The darkest grey level of the ground, so that dark paths stand out."""


def landscape_page(paths: Sequence[Path]) -> str:
    """The whole page as text."""
    intro = (
        "Each optimiser of the textbook walks down four landscapes, at the learning rate of a grid between 0.0001 and 1"
        " that serves it best. A dot takes its steps by the same clock as all others and waits where it arrives. The"
        " tables tell the steps to a value near the minimum, a dash where it is not reached, and the rate."
    )
    ring = "text-shadow:0 0 2px var(--ink)"  # black is told from a dark page
    legend = " ".join(
        f'<span style="color:{COLOURS[i]};{ring}">&#9679;</span> {name}' for i, name in enumerate(OPTIMISERS)
    )
    body = "".join(_panel(landscape, [p for p in paths if p.landscape == landscape.name]) for landscape in LANDSCAPES)
    doubt = "What an optimiser does here is no promise for millions of weights; it shows what its formula is for."
    return document("Optimisers", f'<p>{intro}</p><p>{legend}</p><div class="two">{body}</div><p>{doubt}</p>')


def _panel(landscape: Landscape, paths: Sequence[Path]) -> str:
    clock = min(MOST_STEPS, max((p.arrived or MOST_STEPS for p in paths), default=1))
    drawn = "".join(_walk(landscape, path, clock) for path in paths)
    label = f"Paths over {html.escape(landscape.name)}"
    drawing = (
        f'<svg class="race" role="img" aria-label="{label}" viewBox="0 0 {WIDTH} {HEIGHT}"><image width="{WIDTH}"'
        f' height="{HEIGHT}" preserveAspectRatio="none" href="{data_uri(_ground(landscape))}"/>{drawn}</svg>'
    )
    caption = (
        f"{html.escape(landscape.name)}: {html.escape(landscape.about)}. Brighter is lower, by the logarithm; the clock"
        f" runs over {clock} steps."
    )
    rows = [[html.escape(p.optimiser), "-" if p.arrived is None else str(p.arrived), f"{p.rate:.2g}"] for p in paths]
    return figure(drawing + table(["optimiser", "steps", "rate"], rows), caption)


def _ground(landscape: Landscape) -> np.ndarray:
    x0, x1, y0, y1 = landscape.window
    x, y = np.meshgrid(np.linspace(x0, x1, GRID), np.linspace(y1, y0, GRID))
    height = landscape.value(x, y)
    level = np.log10(height - height.min() + 1e-2)
    steps = np.floor(20 * (level - level.min()) / max(float(np.ptp(level)), 1e-9))  # bands, as contours
    return (PALE + (1 - PALE / 255) * coloured(-steps, "cividis")).astype(np.uint8)


def _walk(landscape: Landscape, path: Path, clock: int) -> str:
    """The path as a line, and its dot: the point at each frame of the clock."""
    points = _placed(landscape, path.points[: clock + 1])
    number = list(OPTIMISERS).index(path.optimiser)
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    frames = points[np.minimum(np.linspace(0, clock, FRAMES).round().astype(int), len(points) - 1)]
    clockwork = f'dur="{SECONDS}s" repeatCount="indefinite"'
    moves = "".join(
        f'<animate attributeName="{name}" {clockwork} values="{_values(frames[:, axis])}"/>'
        for axis, name in enumerate(("cx", "cy"))
    )
    x, y = points[-1]
    return (
        f'<polyline fill="none" stroke="{COLOURS[number]}" stroke-width="1.2" points="{line}"/><circle r="5"'
        f' cx="{x:.1f}" cy="{y:.1f}" fill="{COLOURS[number]}" stroke="#fff">'
        f"<title>{html.escape(path.optimiser)}</title>{moves}</circle>"
    )


def _values(numbers: np.ndarray) -> str:
    return ";".join(f"{number:.1f}" for number in numbers)


def _placed(landscape: Landscape, points: np.ndarray) -> np.ndarray:
    """Into the drawing's coordinates; what runs away stays just outside."""
    x0, x1, y0, y1 = landscape.window
    at = (points - [x0, y1]) / [x1 - x0, y0 - y1] * [WIDTH, HEIGHT]
    return np.clip(np.nan_to_num(at), [-20, -20], [WIDTH + 20, HEIGHT + 20])
