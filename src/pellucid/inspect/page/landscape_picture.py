"""[E8] The paths of optimisers drawn over their landscapes: one picture, four panels."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

from pellucid.inspect.landscapes import LANDSCAPES, OPTIMISERS, Landscape, Path

COLOURS = ("#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
"""Okabe and Ito's, which the colour-blind can tell apart; marks differ too."""
MARKS = "osv^D<>P"


def landscape_picture(paths: Sequence[Path]) -> bytes:
    """A PNG; contours are even steps of the logarithm of the height above the lowest point of the window."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 10.5), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, landscape in zip(figure.subplots(2, 2).flat, LANDSCAPES, strict=True):
        _contours(axes, landscape)
        for path in paths:
            if path.landscape == landscape.name:
                _path(axes, path, list(OPTIMISERS).index(path.optimiser))
        axes.set_title(f"{landscape.name}: {landscape.about}", fontsize=11)
        axes.legend(fontsize=8, loc="upper right")
    figure.suptitle("Paths to the goal, each optimiser at its best rate; in brackets its steps. Brighter is lower.")
    target = io.BytesIO()
    figure.savefig(target, format="png", dpi=110, metadata={"Software": None})
    return target.getvalue()


def _contours(axes, landscape: Landscape) -> None:  # type: ignore[no-untyped-def]
    x0, x1, y0, y1 = landscape.window
    x, y = np.meshgrid(np.linspace(x0, x1, 241), np.linspace(y0, y1, 241))
    height = landscape.value(x, y)
    axes.contourf(x, y, np.log10(height - height.min() + 1e-2), levels=20, cmap="cividis_r", alpha=0.75)
    axes.set_xlim(x0, x1)
    axes.set_ylim(y0, y1)
    axes.plot(*landscape.start, "k*", markersize=13)


def _path(axes, path: Path, number: int) -> None:  # type: ignore[no-untyped-def]
    steps = "does not arrive" if path.arrived is None else str(path.arrived)
    axes.plot(
        path.points[:, 0],
        path.points[:, 1],
        color=COLOURS[number],
        marker=MARKS[number],
        markersize=4,
        markeredgecolor="k",
        markeredgewidth=0.3,
        markevery=max(1, len(path.points) // 25),
        linewidth=1.4,
        label=f"{path.optimiser} ({steps})",
    )
