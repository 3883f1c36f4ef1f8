"""What a validation measures, and how it is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PictureFigures:
    """Mean PSNR in dB over all channels and on Y; `given_...` for the network's input, enlarged bicubically."""

    psnr: float
    psnr_y: float
    given_psnr: float
    given_psnr_y: float

    @property
    def words(self) -> str:
        return f"PSNR {self.psnr:.2f} dB, Y {self.psnr_y:.2f} dB"

    @property
    def beside(self) -> str:
        return f" (input {self.given_psnr:.2f}, Y {self.given_psnr_y:.2f})"


@dataclass(frozen=True)
class ClassFigures:
    """The share of pictures whose class was named, and the mean of -log p(class), over `pictures` of them."""

    accuracy: float
    cross_entropy: float
    pictures: int

    @property
    def words(self) -> str:
        return f"accuracy {self.accuracy:.2%}, cross-entropy {self.cross_entropy:.4f}"

    @property
    def beside(self) -> str:
        return f" of {self.pictures:,} held-out pictures"


@dataclass(frozen=True)
class StreetFigures:
    """Intersection over union: its mean over classes, and `iou` for each; `pixels` is the share that is right."""

    mean_iou: float
    pixels: float
    frames: int
    iou: Mapping[str, float]

    @property
    def words(self) -> str:
        return f"mean IoU {self.mean_iou:.2%}, {self.pixels:.1%} of the pixels right"

    @property
    def beside(self) -> str:
        return f" in {self.frames} frames: " + ", ".join(f"{name} {100 * iou:.0f}" for name, iou in self.iou.items())


Figures = PictureFigures | ClassFigures | StreetFigures


def figures_from(saved: Mapping[str, Any]) -> Figures:
    """The figures that a checkpoint keeps as plain values."""
    kinds = {"accuracy": ClassFigures, "mean_iou": StreetFigures}
    return next((kinds[key] for key in kinds if key in saved), PictureFigures)(**saved)
