"""The paper that experiments draw on: sizes, colours, and how a figure becomes a PNG."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from PIL import Image  # comes with matplotlib

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D31")
"""After Okabe and Ito, which the colour-blind can tell apart."""

DOTS = 80
"""To an inch."""
FEW = 6
"""So many measured places are all named on a logarithmic axis."""
NARROW = 300
"""A logarithmic axis over less than this has plain numbers, 0.2, 0.5, 1 and so on."""


def sheet(rows: int, columns: int, width: float = 3.4, height: float = 3.0) -> tuple[Figure, np.ndarray]:
    """A figure and its axes (rows, columns); width and height are those of one panel in inches."""
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False)


def curves(
    axes: Any, lines: dict[str, tuple[Any, Any]], title: str, x: str, y: str, *, log: str = "", marks: str = ""
) -> None:
    """Named lines in one panel; `log` holds the axes that are logarithmic."""
    for number, (name, (xs, ys)) in enumerate(lines.items()):
        axes.plot(xs, ys, color=COLOURS[number % len(COLOURS)], label=name, linewidth=1.4, marker=marks, markersize=4)
    for axis in log:
        getattr(axes, f"set_{axis}scale")("log")
        low, high = getattr(axes, f"get_{axis}lim")()
        if high < NARROW * low:
            which, plain = getattr(axes, f"{axis}axis"), FuncFormatter(lambda value, _: f"{value:g}")
            which.set_minor_locator(LogLocator(subs=(2, 5)))
            which.set_major_formatter(plain)
            which.set_minor_formatter(plain)
    label(axes, title, x, y)
    places = list(next(iter(lines.values()))[0])
    if marks and "x" in log and len(places) <= FEW:
        axes.set_xticks(places, [f"{place:g}" for place in places])
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.legend(fontsize=7)


def label(axes: Any, title: str, x: str = "", y: str = "") -> None:
    axes.set_title(title, fontsize=9)
    axes.set_xlabel(x, fontsize=8)
    axes.set_ylabel(y, fontsize=8)
    axes.tick_params(which="both", labelsize=7)


def bare(axes: Any, title: str = "") -> None:
    """A panel without ticks, for pictures."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(title, fontsize=8)


def smooth(values: Any, over: int) -> np.ndarray:
    """A running mean over the last `over` values, for curves of noisy losses."""
    sums = np.cumsum(np.concatenate([[0.0], np.asarray(values, float)]))
    ends = np.arange(1, len(sums))
    starts = np.maximum(ends - over, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)


def png(figure: Figure) -> bytes:
    """With 200 colours, which drawings do not miss, and a third of the bytes."""
    target = io.BytesIO()
    _painted(figure).quantize(200).save(target, "PNG", optimize=True)
    return target.getvalue()


def film(figures: Iterable[Figure], milliseconds: int) -> bytes:
    """A GIF that runs for ever."""
    frames = [_painted(figure).quantize(32) for figure in figures]
    target = io.BytesIO()
    frames[0].save(target, "GIF", save_all=True, append_images=frames[1:], duration=milliseconds, loop=0)
    return target.getvalue()


def _painted(figure: Figure) -> Image.Image:
    figure.set_dpi(DOTS)
    figure.canvas.draw()
    return Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[..., :3])  # type: ignore[attr-defined]
