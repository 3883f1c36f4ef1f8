"""Arrays as pictures inside a page: colour maps that the colour-blind can read, mosaics, data URIs."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence

import numpy as np

from pellucid.picture import Picture, from_float, write


def coloured(
    plane: np.ndarray, colours: str = "viridis", low: float | None = None, high: float | None = None
) -> np.ndarray:
    """(h, w) -> (h, w, 3) uint8 by a colour map, from its smallest to its largest value unless said."""
    import matplotlib

    low = float(plane.min()) if low is None else low
    high = float(plane.max()) if high is None else high
    table = (matplotlib.colormaps[colours](np.arange(256))[:, :3] * 255).round().astype(np.uint8)
    place = (plane - low) * (255 / (high - low)) if high > low else np.zeros_like(plane)
    return table[np.clip(np.nan_to_num(place), 0, 255).astype(int)]


def mosaic(tiles: Sequence[np.ndarray], columns: int | None = None, gap: int = 1) -> Picture:
    """Tiles (h, w, 3) of one size in rows, with transparent gaps."""
    columns = columns or math.ceil(math.sqrt(len(tiles)))
    rows = math.ceil(len(tiles) / columns)
    h, w, _ = tiles[0].shape
    shape = rows * (h + gap) - gap, columns * (w + gap) - gap
    pixels, alpha = np.zeros((*shape, 3), np.uint8), np.zeros((*shape, 1), np.uint8)
    for i, tile in enumerate(tiles):
        y, x = i // columns * (h + gap), i % columns * (w + gap)
        pixels[y : y + h, x : x + w], alpha[y : y + h, x : x + w] = tile, 255
    return Picture(pixels, alpha)


def kernel_tiles(weights: np.ndarray, most: int = 256) -> list[np.ndarray]:
    """Filters (oc, ic, kh, kw) as tiles, zero in mid-range: in colour for three channels, else averaged."""
    tiles = []
    for kernel in weights[:most]:
        if len(kernel) == 3:
            peak = float(np.abs(kernel).max()) or 1.0
            tiles.append(from_float((0.5 + kernel.transpose(1, 2, 0) / (2 * peak)).astype(np.float32), np.uint8))
        else:
            plane = kernel.mean(axis=0) if len(kernel) > 1 else kernel[0]
            peak = float(np.abs(plane).max()) or 1.0
            tiles.append(coloured(plane, "cividis", -peak, peak))
    return tiles


def reduced(plane: np.ndarray, side: int) -> np.ndarray:
    """Means of whole blocks, so that no side is longer than `side`. (h, w) -> (h', w')"""
    k = max(1, -(-max(plane.shape) // side))
    h, w = plane.shape[0] // k * k or plane.shape[0], plane.shape[1] // k * k or plane.shape[1]
    ky, kx = min(k, h), min(k, w)
    return plane[:h, :w].reshape(h // ky, ky, w // kx, kx).mean(axis=(1, 3))


def data_uri(picture: Picture | np.ndarray) -> str:
    """A PNG as the text of a link that holds it."""
    if not isinstance(picture, Picture):
        picture = Picture(picture if picture.dtype == np.uint8 else from_float(np.clip(picture, 0, 1), np.uint8))
    target = io.BytesIO()
    write(target, picture, format="png")
    return "data:image/png;base64," + base64.b64encode(target.getvalue()).decode()
