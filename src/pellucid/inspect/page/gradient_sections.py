"""The parts of the page that need gradients: from the arrays of `gradient_views` to HTML, and nothing computed."""

from __future__ import annotations

import html

import numpy as np

from pellucid.inspect.gradient_views import Attribution, EffectiveField, GradientViews, Pattern, flow_verdict
from pellucid.inspect.inspection import Inspection
from pellucid.inspect.page.charts import Line, line_chart
from pellucid.inspect.page.pictures import coloured, mosaic
from pellucid.inspect.page.sections import figure, image
from pellucid.picture import from_float

STRETCH = 0.5
"""Exponent by which faint numbers are made visible beside strong ones."""


def flow_view(found: GradientViews) -> str:
    if not found.flow:
        return ""
    names = [flow.layer for flow in found.flow]
    lines = [Line("as it is", [flow.gradient for flow in found.flow])]
    lines.append(Line("weights drawn anew", [flow.gradient for flow in found.at_start]))
    caption = (
        f"{html.escape(flow_verdict(found.flow).sentence)} The size of the loss's gradient at each layer's output, the"
        " loss being half the sum of the answer's squares; in powers of ten, along the longest way from input to"
        " answer. Learning goes from right to left: level is well, a steady fall to the left starves the first layers."
        " Beside it the same layers with weights as He's initialisation draws them."
    )
    return figure(line_chart(lines, "layers with weights", "size of the gradient", True, names), caption)


def effective_view(seen: Inspection, field: EffectiveField | None) -> str:
    if field is None:
        return ""
    dy, dx = field.deviation
    size = seen.fields[-1].size
    box = f"{size[1]} x {size[0]} pixels can count" if size else "all pixels can count"
    h, w = field.weight.shape
    caption = (
        f"How much each of {w} x {h} input pixels counts for the answer's middle, by gradients over random pictures;"
        f" bright counts most (brightness is the square root). In theory {box}; what counts has a deviation of"
        f" {dx:.1f} pixels across and {dy:.1f} down."
    )
    return figure(image(coloured(field.weight**STRETCH, "viridis", 0), "Effective field", "pixels small"), caption)


def attribution_view(seen: Inspection, a: Attribution | None) -> str:
    if a is None:
        return ""
    peak = float(np.abs(a.weight).max()) or 1.0
    stretched = np.sign(a.weight) * (np.abs(a.weight) / peak) ** STRETCH
    y0, y1, x0, x1 = _around(a)
    near = [_marked(seen.picture, a.at)[y0:y1, x0:x1], coloured(stretched, "cividis", -1, 1)[y0:y1, x0:x1]]
    caption = (
        f"Which input pixels made the answer's pixel in row {a.place[0]}, column {a.place[1]} (framed) what it is. Left"
        " the picture, right its pixels' parts: bright raises the answer, dark lowers it, mid-tone does nothing"
        " (brightness is the square root of the part)."
        f" Together they make the difference between {a.answer:.3f} and {a.without:.3f}, the answer to the picture"
        f" {a.blur:g} pixels out of focus, up to {abs(a.weight.sum() - a.answer + a.without):.1g}. Evenness among the"
        f" pixels that can count {a.evenness:.2g}: 0 is one pixel alone, 1 all alike."
    )
    return figure(image(mosaic(near, 2, 2), "Attribution", "pixels strip"), caption)


def _around(a: Attribution) -> tuple[int, int, int, int]:
    """Rows and columns that hold what counts visibly."""
    h, w = a.weight.shape
    rows, columns = np.nonzero(np.abs(a.weight) > 1e-3 * np.abs(a.weight).max())
    reach = 4 + max([abs(rows - a.at[0]).max(), abs(columns - a.at[1]).max()] if len(rows) else [8])
    y, x = a.at
    return max(0, y - reach), min(h, y + reach + 1), max(0, x - reach), min(w, x + reach + 1)


def _marked(picture: np.ndarray, at: tuple[int, int]) -> np.ndarray:
    """8 bits, in colour, with a frame around one pixel."""
    pixels = from_float(np.clip(np.broadcast_to(picture, (*picture.shape[:2], 3)), 0, 1).astype(np.float32), np.uint8)
    y, x = at
    y0, x0 = max(0, y - 1), max(0, x - 1)
    inside = pixels[y, x].copy()
    pixels[y0 : y + 2, x0 : x + 2] = (255, 212, 0)
    pixels[y, x] = inside
    return pixels


def pattern_views(patterns: dict[str, list[Pattern]]) -> str:
    if not patterns:
        return ""
    how = (
        "Pictures that began as the same faint noise and were changed step by step so that one unit's mean answer"
        " grows: what they have in common is the noise, what sets them apart is the unit. Contrast is stretched. Each"
        " unit's number is followed by its mean before and after."
    )
    return f'<p class="quiet">{how}</p>' + "".join(_patterns(layer, found) for layer, found in patterns.items())


def _patterns(layer: str, found: list[Pattern]) -> str:
    tiles = [_tile(pattern.picture) for pattern in found]
    gains = ", ".join(f"{p.unit}: {p.before:.2g} to {p.after:.2g}" for p in found)
    caption = f"What excites the {len(found)} units of <code>{html.escape(layer)}</code> that vary most: unit {gains}."
    return figure(image(mosaic(tiles, len(tiles), 2), f"Patterns of {layer}", "pixels strip"), caption)


def _tile(picture: np.ndarray) -> np.ndarray:
    """Stretched from the 1st to the 99th percentile."""
    x = np.broadcast_to(picture, (*picture.shape[:2], 3)).astype(np.float32)
    low, high = np.percentile(x, (1, 99))
    return from_float(np.clip((x - low) / max(high - low, 1e-6), 0, 1).astype(np.float32), np.uint8)
