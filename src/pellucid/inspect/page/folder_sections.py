"""The parts of the page that come from a folder of pictures; nothing is computed here."""

from __future__ import annotations

import html
import math

import numpy as np

from pellucid.inspect.embedding import Embedding
from pellucid.inspect.folder_views import FolderViews
from pellucid.inspect.page.charts import Line, line_chart
from pellucid.inspect.page.pictures import coloured, data_uri, mosaic
from pellucid.inspect.page.sections import figure, image
from pellucid.inspect.picture_statistics import Statistics
from pellucid.inspect.strongest_regions import Region, UnitRegions
from pellucid.picture import from_float

TILE, THUMBNAIL, LARGE_THUMBNAIL, MOST_THUMBNAILS, BINS = 48, 28, 60, 200, 32
WIDTH, HEIGHT, MARGIN = 560, 420, 24


def region_views(found: FolderViews) -> str:
    if not found.regions:
        return ""
    guided = any(region.guided is not None for unit in found.regions for region in unit.regions)
    below = " Below, gradients back to the pixels in which rectifiers pass only what excites." if guided else ""
    how = (
        f"The units of <code>{html.escape(found.regions[0].layer)}</code> that answer most strongly to any of the"
        " pictures, and for each the regions it answers to, at most one of each picture, as large as its receptive"
        f" field.{below}"
    )
    return f'<p class="quiet">{how}</p>' + "".join(_unit(unit) for unit in found.regions)


def _unit(unit: UnitRegions) -> str:
    tiles = [tile(region.pixels) for region in unit.regions]
    known = [_guided(region) for region in unit.regions if region.guided is not None]
    values = ", ".join(f"{region.value:.2g}" for region in unit.regions)
    names = ", ".join(dict.fromkeys(html.escape(region.picture) for region in unit.regions))
    caption = f"Unit {unit.unit}, strongest first. Its values: {values}; in {names}."
    picture = image(mosaic(tiles + known, len(tiles), 2), f"Strongest regions of unit {unit.unit}", "pixels strip")
    return figure(picture, caption)


def _guided(region: Region) -> np.ndarray:
    assert region.guided is not None
    peak = float(np.abs(region.guided).max()) or 1.0
    return tile((0.5 + region.guided / (2 * peak)).astype(np.float32))


def tile(picture: np.ndarray, side: int = TILE) -> np.ndarray:
    """(h, w, channels) in 0..1 -> (side, side, 3) uint8: whole, in the middle, by the nearest pixel; grey around."""
    h, w, c = picture.shape
    colours = picture[..., :3] if c >= 3 else picture[..., :1]
    scale = side / max(h, w)
    th, tw = max(1, round(h * scale)), max(1, round(w * scale))
    rows, columns = (np.arange(th) / scale).astype(int).clip(0, h - 1), (np.arange(tw) / scale).astype(int)
    small = np.broadcast_to(colours[rows][:, columns.clip(0, w - 1)], (th, tw, 3))
    found = np.full((side, side, 3), 128, np.uint8)
    y, x = (side - th) // 2, (side - tw) // 2
    found[y : y + th, x : x + tw] = from_float(np.clip(small, 0, 1).astype(np.float32), np.uint8)
    return found


def embedding_views(found: FolderViews) -> str:
    e = found.embedding
    if e is None:
        return ""
    layer = html.escape(e.layer)
    pca = (
        f"PCA of <code>{layer}</code>: each picture's mean numbers, along the two directions in which they vary most,"
        f" which keep {e.kept:.0%} of the variance. Near is alike."
    )
    tsne = (
        f"t-SNE of the same: who is near whom is kept, distances between groups and their sizes mean nothing."
        f" Divergence {e.lost:.2f} (0 is perfect)."
    )
    drawn = figure(_scatter(e, e.pca, found.thumbnails), pca) + figure(_scatter(e, e.tsne, found.thumbnails), tsne)
    return f'<div class="pair">{drawn}</div>'


def _scatter(e: Embedding, points: np.ndarray, thumbnails: list[np.ndarray]) -> str:
    low, high = points.min(axis=0), points.max(axis=0)
    at = (points - low) / np.where(high > low, high - low, 1)
    side = int(np.clip(LARGE_THUMBNAIL * 5 / math.sqrt(len(points)), THUMBNAIL, LARGE_THUMBNAIL))
    place = MARGIN + at * [WIDTH - 2 * MARGIN - side, HEIGHT - 2 * MARGIN - side]
    size = f'width="{side}" height="{side}"'
    images = "".join(
        f'<image x="{x:.1f}" y="{y:.1f}" {size} href="{data_uri(tile(t, side))}">'
        f"<title>{html.escape(name)}</title></image>"
        for (x, y), t, name in list(zip(place, thumbnails, e.names, strict=True))[:MOST_THUMBNAILS]
    )
    label = f"{len(e.names)} pictures laid out"
    return f'<svg class="scatter" role="img" aria-label="{label}" viewBox="0 0 {WIDTH} {HEIGHT}">{images}</svg>'


def statistics_view(s: Statistics | None) -> str:
    if s is None:
        return ""
    return _pairs(s) + _autocorrelation(s) + _spectrum(s)


def _pairs(s: Statistics) -> str:
    tiles = []
    for pairs in s.pairs.values():
        count, _, _ = np.histogram2d(pairs[:, 1], pairs[:, 0], BINS, [[0, 1], [0, 1]])
        tiles.append(coloured(np.sqrt(count)[::-1], "viridis", 0))
    caption = (
        f"Pairs of pixels of {s.pictures} pictures that lie {', '.join(map(str, s.pairs))} pixels apart: to the right"
        " the brightness of one, upwards that of the other, bright where many pairs are. A line says that neighbours"
        " are alike, a cloud that they have nothing to do with each other."
    )
    return figure(image(mosaic(tiles, len(tiles), 2), "Pairs of pixels at growing distance", "pixels strip"), caption)


def _autocorrelation(s: Statistics) -> str:
    chart = line_chart([Line("correlation", s.autocorrelation.tolist())], "distance in pixels", "correlation")
    return figure(chart, "How alike two pixels of these pictures are, over their distance: 1 is the same, 0 unrelated.")


def _spectrum(s: Statistics) -> str:
    x, power = np.log10(s.frequencies), s.power
    law = np.exp(np.log(power).mean()) * (10 ** (x.mean() - x)) ** s.exponent
    lines = [Line("measured", power.tolist(), x.tolist()), Line("the law", law.tolist(), x.tolist())]
    chart = line_chart(lines, "waves per pixel", "power", log=True, of_power=True)
    caption = (
        "The power of the pictures' waves, both axes in powers of ten. It falls as one over frequency to the"
        f" {s.exponent:.2f} (give or take {s.exponent_error:.2f}), the law drawn beside it; photographs have about 2,"
        " noise has 0."
    )
    return figure(chart, caption)
