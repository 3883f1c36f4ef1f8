"""How near one picture is to another: PSNR, SSIM, MS-SSIM and GMSD, each with its protocol stated.

All functions take arrays of equal shape, (h, w) or (h, w, c), and the `peak` that white stands for (255, or 1 for
floats); they compute in float64, NumPy alone. A figure without its protocol means little (one network measured 30.0 to
32.0 dB by four habits), so `Protocol` holds every choice and prints itself in words. None of these is a loss: the
trainer has its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pellucid.errors import UsageError

K1, K2 = 0.01, 0.03
MS_SSIM_EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
MS_SSIM_SMALLEST = 11 * 2 ** (len(MS_SSIM_EXPONENTS) - 1)
GMSD_CONSTANT = 170 / 255**2


@dataclass(frozen=True)
class Protocol:
    """All that a figure depends on beside the pictures. `str()` says it in words."""

    channel: str  # "Y": BT.601 luma; "all": every channel as it is
    border: int  # pixels cut from each side before measuring
    given: str  # how the network's input was made
    rounded: bool  # whether the output was rounded to 8 bits
    also: str = ""  # anything else that a reader must know

    def __str__(self) -> str:
        channel = "on the Y channel (BT.601)" if self.channel == "Y" else "over all channels"
        border = f"border of {self.border} pixels cut" if self.border else "no border cut"
        output = "output rounded to 8 bits" if self.rounded else "output in float, neither clipped nor rounded"
        similarity = (
            "SSIM with an 11 x 11 Gaussian of sigma 1.5, valid region, K1 0.01, K2 0.03, and GMSD (0 for equal "
            "pictures), same channel and border"
        )
        return ", ".join(filter(None, [f"PSNR {channel}", border, self.given, output, similarity, self.also]))


def luma(rgb: np.ndarray) -> np.ndarray:
    """BT.601 luma as MATLAB's rgb2ycbcr, unrounded: 16..235 of 255, on the picture's own scale. (h, w, 3) -> (h, w)

    A grey picture (h, w, 1) is its own luma, as in the published protocols.
    """
    x = rgb.astype(np.float64)
    if x.ndim == 3 and x.shape[2] == 1:
        return x[..., 0]
    if x.ndim != 3 or x.shape[2] != 3:
        raise UsageError("luma is made from colour", seen=f"shape {rgb.shape}", expected="(h, w, 3) or (h, w, 1)")
    white = float(np.iinfo(rgb.dtype).max) if rgb.dtype.kind == "u" else 1.0
    return (x @ np.array([65.481, 128.553, 24.966]) + 16 * white) / 255


def psnr(a: np.ndarray, b: np.ndarray, *, border: int, peak: float) -> float:
    """10 log10(peak^2 / mean squared difference), in dB; infinite for equal pictures."""
    x, y = _pair(a, b, border)
    error = float(np.mean((x - y) ** 2))
    return math.inf if error == 0 else 10 * math.log10(peak**2 / error)


def ssim(a: np.ndarray, b: np.ndarray, *, border: int, peak: float) -> float:
    """Structural similarity (Wang 2004): 11 x 11 Gaussian of sigma 1.5, valid region; channels are averaged."""
    x, y = _pair(a, b, border, smallest=11)
    return float(np.mean([_ssim_terms(p, q, peak)[0] for p, q in _planes(x, y)]))


def ms_ssim(a: np.ndarray, b: np.ndarray, *, border: int, peak: float) -> float:
    """SSIM over five scales (Wang 2003), each halved by a 2 x 2 mean; sides of at least 176 pixels; channels averaged.

    Negative contrast terms, which have no real power, count as zero.
    """
    x, y = _pair(a, b, border, smallest=MS_SSIM_SMALLEST)
    return float(np.mean([_ms_ssim_plane(p, q, peak) for p, q in _planes(x, y)]))


def gmsd(a: np.ndarray, b: np.ndarray, *, border: int, peak: float) -> float:
    """Gradient magnitude similarity deviation (Xue 2014): 0 for equal pictures, larger is worse; channels averaged.

    A 2 x 2 mean, every second pixel, Prewitt gradients, the deviation of their similarity; zeros beyond the edge.
    """
    x, y = _pair(a, b, border, smallest=4)
    return float(np.mean([_gmsd_plane(p, q, peak) for p, q in _planes(x, y)]))


def _ssim_terms(x: np.ndarray, y: np.ndarray, peak: float) -> tuple[float, float]:
    """The means of SSIM and of its contrast-structure factor. (h, w) each"""
    c1, c2 = (K1 * peak) ** 2, (K2 * peak) ** 2
    mean_x, mean_y, xx, yy, xy = _blur(np.stack([x, y, x * x, y * y, x * y]))  # (5, h, w) -> (5, h-10, w-10)
    product, squares = mean_x * mean_y, mean_x**2 + mean_y**2
    contrast = (2 * (xy - product) + c2) / (xx + yy - squares + c2)
    luminance = (2 * product + c1) / (squares + c1)
    return float(np.mean(luminance * contrast)), float(np.mean(contrast))


def _blur(maps: np.ndarray) -> np.ndarray:
    """An 11 x 11 Gaussian of sigma 1.5, first down, then across, valid region. (k, h, w) -> (k, h-10, w-10)"""
    taps = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    taps /= taps.sum()
    h, w = maps.shape[1] - 10, maps.shape[2] - 10
    # A symmetric kernel: pairs of rows are added before they are weighted.
    down = taps[5] * maps[:, 5 : 5 + h]
    for i in range(5):
        down += taps[i] * (maps[:, i : i + h] + maps[:, 10 - i : 10 - i + h])
    across = taps[5] * down[:, :, 5 : 5 + w]
    for i in range(5):
        across += taps[i] * (down[:, :, i : i + w] + down[:, :, 10 - i : 10 - i + w])
    return across


def _ms_ssim_plane(x: np.ndarray, y: np.ndarray, peak: float) -> float:
    result = 1.0
    for i, exponent in enumerate(MS_SSIM_EXPONENTS):
        whole, contrast = _ssim_terms(x, y, peak)
        last = i == len(MS_SSIM_EXPONENTS) - 1
        result *= max(whole if last else contrast, 0.0) ** exponent
        x, y = _halve(x), _halve(y)
    return result


def _halve(x: np.ndarray) -> np.ndarray:
    """The mean of each 2 x 2 block; an odd last row or column is left out."""
    h, w = x.shape[0] // 2 * 2, x.shape[1] // 2 * 2
    return x[:h, :w].reshape(h // 2, 2, w // 2, 2).mean(axis=(1, 3))


def _gmsd_plane(x: np.ndarray, y: np.ndarray, peak: float) -> float:
    p, q = _gradient(x), _gradient(y)
    c = GMSD_CONSTANT * peak**2
    return float(np.std((2 * p * q + c) / (p**2 + q**2 + c), ddof=1))


def _gradient(x: np.ndarray) -> np.ndarray:
    """The Prewitt gradient's magnitude, at half size. (h, w) -> (ceil(h/2), ceil(w/2))"""
    padded = np.pad(x, ((0, 1), (0, 1)))
    mean = (padded[:-1, :-1] + padded[1:, :-1] + padded[:-1, 1:] + padded[1:, 1:]) / 4
    z = np.pad(mean[::2, ::2], 1)
    row_sums, column_sums = z[:-2] + z[1:-1] + z[2:], z[:, :-2] + z[:, 1:-1] + z[:, 2:]
    return np.hypot(row_sums[:, 2:] - row_sums[:, :-2], column_sums[2:] - column_sums[:-2]) / 3


def _planes(x: np.ndarray, y: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    if x.ndim == 2:
        return [(x, y)]
    return [(x[..., i], y[..., i]) for i in range(x.shape[2])]


def _pair(a: np.ndarray, b: np.ndarray, border: int, smallest: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Both pictures in float64 with the border cut, or an error that names the shapes."""
    if a.shape != b.shape or a.ndim not in (2, 3):
        raise UsageError("two pictures can't be compared", seen=f"{a.shape} and {b.shape}", expected="equal shapes")
    h, w = a.shape[0] - 2 * border, a.shape[1] - 2 * border
    if border < 0 or min(h, w) < smallest:
        raise UsageError(
            "the picture is too small for this measure",
            seen=f"{a.shape[0]} x {a.shape[1]} with a border of {border} cut",
            expected=f"at least {smallest} x {smallest} left",
        )
    inner = (slice(border, border + h), slice(border, border + w))
    return a[inner].astype(np.float64), b[inner].astype(np.float64)


class Confusion:
    """Counts of (truth, prediction) over any number of pictures; void, the numbers from `classes` on, is left out."""

    def __init__(self, classes: int) -> None:
        self.counts = np.zeros((classes, classes), np.int64)

    def add(self, truth: np.ndarray, prediction: np.ndarray) -> None:
        n = len(self.counts)
        seen = truth < n
        pairs = truth[seen].astype(np.int64) * n + prediction[seen]
        self.counts += np.bincount(pairs, minlength=n * n).reshape(n, n)

    def iou(self) -> np.ndarray:
        """(classes,): intersection over union; NaN for a class that is neither there nor predicted."""
        both = np.diag(self.counts)
        either = self.counts.sum(0) + self.counts.sum(1) - both
        return np.divide(both, either, out=np.full(len(both), np.nan), where=either > 0)

    def mean_iou(self) -> float:
        return float(np.nanmean(self.iou()))

    def accuracy(self) -> float:
        """The share of pixels that are right."""
        return float(np.diag(self.counts).sum() / max(self.counts.sum(), 1))
