"""Two networks on the same pictures: both answers, where they differ, and which is nearer to the original.

With a scale the picture is made smaller and enlarged again, with a noise level it is made noisy and cleaned, as in
`pellucid.evaluate` and by its protocols. With neither, both see the picture as it is, and there is no original to be
near to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pellucid.errors import UsageError
from pellucid.evaluate import Run, noise, runner
from pellucid.metrics import luma, psnr, ssim
from pellucid.picture import from_float, to_float
from pellucid.picture.depths import to_depth
from pellucid.resample import imresize

if TYPE_CHECKING:
    from pellucid.network import Network


@dataclass(frozen=True)
class Comparison:
    """Of one picture. `a` and `b` are the answers, (h, w, c) uint8; figures against `original` are None without one."""

    name: str
    original: np.ndarray | None
    a: np.ndarray
    b: np.ndarray
    difference: np.ndarray  # (h, w): the largest over the channels, in grey levels
    between: float  # PSNR of one answer against the other, over all channels
    psnr: tuple[float, float] | None
    ssim: tuple[float, float] | None


def compare(
    a: Network, b: Network, name: str, picture: np.ndarray, scale: int | None = None, sigma: float | None = None
) -> Comparison:
    """Both networks on one picture (h, w, c); `name` seeds the noise."""
    if scale is not None and sigma is not None:
        raise UsageError("one thing is compared at a time", seen="a scale and a noise level", expected="one of them")
    pixels = to_depth(picture, "8")
    given, original, border = _prepared(pixels, name, scale, sigma)
    answers = [_answer(runner(net, sigma=sigma), given) for net in (a, b)]
    if answers[0].shape != answers[1].shape:
        raise UsageError(
            "the two models answer in different sizes",
            seen=f"{a.name}: {answers[0].shape}, {b.name}: {answers[1].shape}",
        )
    if original is not None and original.shape != answers[0].shape:
        raise UsageError(
            "the answers have another size than the original", seen=answers[0].shape, expected=original.shape
        )
    difference = np.abs(answers[0].astype(int) - answers[1]).max(axis=2)
    between = psnr(*answers, border=0, peak=255)
    near = None if original is None else [_figures(x, original, border, scale is not None) for x in answers]
    figures = (None, None) if near is None else tuple(zip(*near, strict=True))
    return Comparison(name, original, answers[0], answers[1], difference, between, figures[0], figures[1])


def headings_of(a: str, b: str, found: Sequence[Comparison]) -> list[str]:
    near = [f"PSNR of {a}", f"PSNR of {b}", f"SSIM of {a}", f"SSIM of {b}"] if found[0].psnr else []
    return ["picture", *near, "one against the other", "largest difference"]


def figures(found: Sequence[Comparison]) -> list[list[str]]:
    """A row for each picture and, for several, one of means."""
    rows = []
    for c in found:
        near = [*(f"{v:.2f}" for v in c.psnr), *(f"{v:.4f}" for v in c.ssim)] if c.psnr and c.ssim else []
        rows.append([c.name, *near, f"{c.between:.2f}", str(int(c.difference.max()))])
    if len(found) > 1:
        near = []
        if found[0].psnr:
            near = [f"{np.mean([c.psnr[i] for c in found if c.psnr]):.2f}" for i in (0, 1)]
            near += [f"{np.mean([c.ssim[i] for c in found if c.ssim]):.4f}" for i in (0, 1)]
        largest = max(int(c.difference.max()) for c in found)
        rows.append(["mean", *near, f"{np.mean([c.between for c in found]):.2f}", str(largest)])
    return rows


def _prepared(
    pixels: np.ndarray, name: str, scale: int | None, sigma: float | None
) -> tuple[np.ndarray, np.ndarray | None, int]:
    """(what both see as float32, the original or None, the border that figures leave out)."""
    if scale is not None:
        h, w = (side // scale * scale for side in pixels.shape[:2])
        return to_float(imresize(pixels[:h, :w], 1 / scale)), pixels[:h, :w], scale
    clean = to_float(pixels)
    if sigma is None:
        return clean, None, 0
    return clean + noise(name, clean.shape, sigma / 255), pixels, 0


def _answer(run: Run, given: np.ndarray) -> np.ndarray:
    return from_float(np.clip(run(given), 0, 1), np.uint8)


def _figures(answer: np.ndarray, original: np.ndarray, border: int, on_luma: bool) -> tuple[float, float]:
    x, y = (luma(answer), luma(original)) if on_luma else (answer, original)
    return psnr(x, y, border=border, peak=255), ssim(x, y, border=border, peak=255)
