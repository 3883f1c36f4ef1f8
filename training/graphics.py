"""Draws pictures of what photographs lack: printed text, slides, line drawings, patterns. Models learn from them too.

    python training/graphics.py GRAPHICS --count 36
    pellucid createdb PHOTOS BSDS GRAPHICS -o runs/all.db --crop 144 --count 66000 --seed 7 --val 0.03 --min-detail 3

Each is drawn twice as large and made smaller, so that its edges are as soft as a lens leaves them. The same seed draws
the same pictures, with the same version of matplotlib and its fonts.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
import pyvips

matplotlib.use("Agg")

from matplotlib.axes import Axes  # noqa: E402
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.patches import PathPatch, Polygon  # noqa: E402
from matplotlib.path import Path as Outline  # noqa: E402

WIDTH, HEIGHT = 1080, 810
LARGER = 2  # how much larger a picture is drawn
FONTS = ("DejaVu Sans", "DejaVu Serif", "DejaVu Sans Mono", "STIXGeneral", "cmr10")
Kind = Callable[[Figure, Axes, np.random.Generator], None]
LETTERS = "etaoinshrdlucmfwypvbgkjqxz"
OFTEN = np.array([12, 9, 8, 8, 7, 7, 6, 6, 6, 4, 4, 3, 3, 3, 2, 2, 2, 2, 1, 1, 2, 1, 0.3, 0.2, 0.3, 0.1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=36)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    kinds: tuple[Kind, ...] = (page, slide, drawing, pattern)
    for i in range(options.count):
        kind = kinds[i % len(kinds)]
        picture = drawn(kind, np.random.default_rng((options.seed, i)))
        pyvips.Image.new_from_array(picture).write_to_file(str(options.folder / f"{kind.__name__}-{i:03d}.png"))


def drawn(kind: Kind, chance: np.random.Generator) -> np.ndarray:
    """A picture (h, w, 3) uint8 of this kind."""
    figure = Figure(figsize=(WIDTH * LARGER / 100, HEIGHT * LARGER / 100), dpi=100)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(HEIGHT, 0)
    kind(figure, axes, chance)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    large = pyvips.Image.new_from_array(np.asarray(canvas.buffer_rgba())[:, :, :3].copy())
    return large.resize(1 / LARGER, kernel="cubic").numpy()


def page(figure: Figure, axes: Axes, chance: np.random.Generator) -> None:
    """Columns of text in one font, in two colours, half of them black on white."""
    paper, ink = ("white", "black") if chance.random() < 0.5 else _pair(chance)
    figure.set_facecolor(paper)
    font, columns = str(chance.choice(FONTS)), int(chance.integers(1, 4))
    for column in range(columns):
        left, y = WIDTH * (column + 0.06) / columns, 20.0
        while y < HEIGHT:
            size = float(chance.choice([9, 11, 14, 18, 26, 40], p=[0.2, 0.25, 0.25, 0.15, 0.1, 0.05]))
            for _ in range(int(chance.integers(1, 5))):
                y += size * 1.35
                letters = int(WIDTH / columns * 0.88 / (size * 0.56))
                axes.text(left, y, _words(chance, letters), family=font, color=ink, fontsize=_points(size))
            y += size * 0.7


def slide(figure: Figure, axes: Axes, chance: np.random.Generator) -> None:
    """A few large words, a chart with bars and curves, boxes."""
    paper, ink = _pair(chance)
    figure.set_facecolor(paper)
    for _ in range(int(chance.integers(8, 20))):
        x, y = chance.uniform(0, WIDTH * 0.8), chance.uniform(20, HEIGHT)
        axes.text(
            x,
            y,
            _words(chance, int(chance.integers(4, 24))),
            family=str(chance.choice(FONTS)),
            color=ink if chance.random() < 0.6 else chance.random(3),
            fontsize=_points(chance.uniform(10, 70)),
            rotation=float(chance.choice([0, 0, 0, 90, 20])),
        )
    for _ in range(int(chance.integers(10, 40))):
        x, y, w, h = chance.uniform(0, WIDTH), chance.uniform(0, HEIGHT), chance.uniform(4, 160), chance.uniform(4, 120)
        edge = ink if chance.random() < 0.5 else "none"
        box = Polygon([(x, y), (x + w, y), (x + w, y + h), (x, y + h)], facecolor=chance.random(3), edgecolor=edge)
        axes.add_patch(box)
    xs = np.linspace(0, WIDTH, 200)
    for _ in range(int(chance.integers(2, 8))):
        ys = chance.uniform(0, HEIGHT) + np.cumsum(chance.normal(0, chance.uniform(1, 15), len(xs)))
        axes.plot(xs, ys, color=chance.random(3), linewidth=chance.uniform(0.5, 4) * LARGER)


def drawing(figure: Figure, axes: Axes, chance: np.random.Generator) -> None:
    """Flat colours inside dark outlines, hatched here and there, as a comic has them."""
    figure.set_facecolor(chance.random(3) ** 0.5)
    for _ in range(int(chance.integers(60, 160))):
        centre, reach = chance.uniform(0, (WIDTH, HEIGHT)), chance.uniform(8, 160)
        corners = int(chance.integers(3, 9))
        angles = np.sort(chance.uniform(0, 2 * np.pi, corners))
        points = centre + reach * chance.uniform(0.4, 1, (corners, 1)) * np.stack([np.cos(angles), np.sin(angles)], 1)
        shape = _rounded(points) if chance.random() < 0.6 else Outline([*points, points[0]], closed=True)
        hatch = str(chance.choice(["////", "\\\\\\\\", "xxxx", "....", "||||"])) if chance.random() < 0.25 else None
        dark = chance.uniform(0, 0.25, 3)
        fill = chance.random(3) if chance.random() < 0.85 else "none"
        width = chance.uniform(0.4, 3) * LARGER
        axes.add_patch(PathPatch(shape, facecolor=fill, edgecolor=dark, hatch=hatch, linewidth=width))


def pattern(figure: Figure, axes: Axes, chance: np.random.Generator) -> None:
    """Patches of stripes, checks and rings, of every direction and from three pixels up, soft or sharp."""
    figure.set_facecolor("grey")
    y, x = np.mgrid[0 : HEIGHT * LARGER, 0 : WIDTH * LARGER] / LARGER
    picture = np.empty((*x.shape, 3))
    rows, columns = int(chance.integers(2, 5)), int(chance.integers(2, 6))
    cell = (y * rows // HEIGHT).astype(int) * columns + (x * columns // WIDTH).astype(int)
    for k in range(rows * columns):
        inside = cell == k
        angle, period, kind = (
            chance.uniform(0, np.pi),
            np.exp(chance.uniform(np.log(3), np.log(40))),
            chance.integers(4),
        )
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        wave = np.sin(2 * np.pi * along / period)
        if kind == 1:
            wave = wave * np.sin(2 * np.pi * across / (period * chance.uniform(1, 2)))
        elif kind == 2:
            wave = np.sin(2 * np.pi * np.hypot(x - chance.uniform(0, WIDTH), y - chance.uniform(0, HEIGHT)) / period)
        elif kind == 3:  # stripes that bend
            wave = np.sin(2 * np.pi * (along + period * chance.uniform(0.5, 3) * np.sin(across / period / 3)) / period)
        share = 0.5 + 0.5 * np.clip(wave * chance.choice([1, 2, 20]), -1, 1)
        one, other = chance.random((2, 3))
        picture[inside] = (one + share[..., None] * (other - one))[inside]
    axes.imshow(picture, extent=(0, WIDTH, HEIGHT, 0), interpolation="nearest", aspect="auto")


def _pair(chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two colours, one light and one dark, in either order."""
    light, dark = chance.uniform(0.6, 1, 3), chance.uniform(0, 0.4, 3)
    return (light, dark) if chance.random() < 0.5 else (dark, light)


def _words(chance: np.random.Generator, letters: int) -> str:
    """About so many letters, in words, with capitals and numbers among them."""
    line = ""
    while len(line) < letters:
        word = "".join(chance.choice(list(LETTERS), int(chance.integers(1, 11)), p=OFTEN / OFTEN.sum()))
        way = chance.random()
        word = word.upper() if way < 0.08 else word.capitalize() if way < 0.25 else word
        line += (str(chance.integers(0, 3000)) if way > 0.94 else word) + str(
            chance.choice([" ", " ", " ", ", ", ". "])
        )
    return line[: letters + 1]


def _points(pixels: float) -> float:
    """A font's size in points, of pixels of the finished picture."""
    return float(pixels) * LARGER * 72 / 100


def _rounded(points: np.ndarray) -> Outline:
    """A closed curve whose corners are round: it passes through the middles of the sides."""
    middles = (points + np.roll(points, -1, 0)) / 2
    vertices, codes = [middles[-1]], [Outline.MOVETO]
    for corner, middle in zip(points, middles, strict=True):
        vertices += [corner, middle]
        codes += [Outline.CURVE3, Outline.CURVE3]
    return Outline(vertices, codes)


if __name__ == "__main__":
    main()
