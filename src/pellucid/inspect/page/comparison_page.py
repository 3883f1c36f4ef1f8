"""Comparisons as one page: the original, both answers and their difference side by side, with the figures below."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

from pellucid.inspect.comparison import Comparison, figures, headings_of
from pellucid.inspect.page.document import document
from pellucid.inspect.page.pictures import coloured
from pellucid.inspect.page.sections import figure, image, table

SIDE, MOST_PICTURES = 240, 24


def comparison_page(a: str, b: str, found: Sequence[Comparison], protocol: str) -> str:
    """The whole page; of many pictures those whose answers differ most are shown, all are in the table."""
    shown = sorted(found, key=lambda c: c.between)[:MOST_PICTURES]
    names = html.escape(a), html.escape(b)
    rows = [[html.escape(cell) for cell in row] for row in figures(found)]
    headings = [html.escape(cell) for cell in headings_of(a, b, found)]
    body = f"<p>{html.escape(protocol)}</p>{table(headings, rows)}" + "".join(_strip(c, *names) for c in shown)
    return document(f"{a} and {b}", body)


def _strip(c: Comparison, a: str, b: str) -> str:
    """The part of the picture where the answers differ most."""
    h, w = c.difference.shape
    y, x = np.unravel_index(int(np.argmax(_blurred(c.difference))), (h, w))
    y0, x0 = (int(np.clip(at - SIDE // 2, 0, max(0, n - SIDE))) for at, n in ((y, h), (x, w)))
    part = slice(y0, y0 + SIDE), slice(x0, x0 + SIDE)
    tiles = [] if c.original is None else [_rgb(c.original[part])]
    tiles += [_rgb(c.a[part]), _rgb(c.b[part]), coloured(c.difference[part].astype(float), "cividis", 0)]
    order = ", ".join(([] if c.original is None else ["the original"]) + [a, b, "their difference"])
    caption = (
        f"<code>{html.escape(c.name)}</code>, where the answers differ most, in this order: {order}. Dark is no"
        f" difference, bright is {int(c.difference[part].max())} of 255 grey levels."
    )
    pictures = "".join(image(tile, f"{c.name}, part of it") for tile in tiles)
    return figure(f'<div class="tiles">{pictures}</div>', caption)


def _blurred(difference: np.ndarray) -> np.ndarray:
    """Means over windows of up to 33 x 33, by sums of sums."""
    r = min(16, (min(difference.shape) - 1) // 2)
    sums = np.pad(np.pad(difference.astype(np.float64), r, mode="edge").cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    k = 2 * r + 1
    return sums[k:, k:] - sums[:-k, k:] - sums[k:, :-k] + sums[:-k, :-k]


def _rgb(x: np.ndarray) -> np.ndarray:
    return np.repeat(x, 3, axis=2) if x.shape[2] == 1 else x
