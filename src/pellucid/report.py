"""What an evaluation found: figures per picture, their means, what failed, and the protocol in words.

Data and its two forms, JSON and a table for people. It measures nothing and prints nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from pellucid.metrics import Protocol

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class Figures:
    """One picture compared with its original."""

    psnr: float  # dB, infinite for equal pictures
    ssim: float  # 1 for equal pictures
    gmsd: float  # 0 for equal pictures


@dataclass(frozen=True)
class PictureFigures:
    """One picture: the model's figures, those of the simple method, and those of 8-bit files where they differ."""

    name: str
    model: Figures
    beside: Figures
    rounded: Figures | None
    seconds_per_megapixel: float


@dataclass
class Report:
    """A model on a folder. `beside` names the simple method: bicubic, or noisy (nothing done)."""

    model: str
    how: str  # "float32, self-ensemble": what else its figures depend on
    task: str  # "scale 3", "sigma 25"
    beside: str
    protocol: Protocol
    pictures: list[PictureFigures] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)  # picture -> why, in one line

    @property
    def mean_psnr(self) -> float:
        return _mean(p.model.psnr for p in self.pictures)

    @property
    def mean_ssim(self) -> float:
        return _mean(p.model.ssim for p in self.pictures)

    def mean(self) -> PictureFigures:
        """The mean of every column, as if it were a picture of that name."""
        rounded = [p.rounded for p in self.pictures if p.rounded is not None]
        return PictureFigures(
            "mean",
            _mean_figures([p.model for p in self.pictures]),
            _mean_figures([p.beside for p in self.pictures]),
            _mean_figures(rounded) if rounded else None,
            _mean(p.seconds_per_megapixel for p in self.pictures),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; a PSNR of equal pictures, which is infinite, is null."""
        mean = self._picture_json(self.mean())
        return {
            "model": self.model,
            "how": self.how,
            "task": self.task,
            "protocol": str(self.protocol),
            **{f"mean_{key}": value for key, value in mean.items() if key in ("psnr", "ssim", "gmsd")},
            "seconds_per_megapixel": mean["seconds_per_megapixel"],
            **{key: _with_mean(value) for key, value in mean.items() if isinstance(value, dict)},
            "pictures": [self._picture_json(p) for p in self.pictures],
            "failures": [{"name": name, "error": error} for name, error in self.failures.items()],
        }

    def table(self) -> Table:
        """One row per picture; the last is the mean."""
        from rich import box
        from rich.table import Table

        table = Table(
            box=box.SIMPLE_HEAD,
            title=", ".join(filter(None, [self.model, self.task, self.how])),
            title_justify="left",
            show_edge=False,
        )
        table.add_column("picture")
        for title in self._titles():
            table.add_column(title, justify="right", no_wrap=True)
        for i, picture in enumerate([*self.pictures, self.mean()], start=1):
            last = i > len(self.pictures)
            table.add_row(picture.name, *self._cells(picture), end_section=i == len(self.pictures), style="bold" * last)
        return table

    @property
    def _beside_itself(self) -> bool:
        return self.model == self.beside

    def _titles(self) -> list[str]:
        rounded = ["as 8 bit"] if any(p.rounded for p in self.pictures) else []
        beside = [] if self._beside_itself else [self.beside, "SSIM", "GMSD"]
        return ["PSNR", "SSIM", "GMSD", *rounded, *beside, "s/megapixel"]

    def _cells(self, p: PictureFigures) -> list[str]:
        rounded = [] if p.rounded is None else [f"{p.rounded.psnr:.2f}"]
        beside = [] if self._beside_itself else _cells(p.beside)
        return [*_cells(p.model), *rounded, *beside, f"{p.seconds_per_megapixel:.3f}"]

    def _picture_json(self, p: PictureFigures) -> dict[str, Any]:
        value: dict[str, Any] = {"name": p.name, **_json(p.model), "seconds_per_megapixel": p.seconds_per_megapixel}
        if p.rounded is not None:
            value["rounded"] = _json(p.rounded)
        value[self.beside] = _json(p.beside)
        return value


def _cells(figures: Figures) -> list[str]:
    return [f"{figures.psnr:.2f}", f"{figures.ssim:.4f}", f"{figures.gmsd:.4f}"]


def _json(figures: Figures) -> dict[str, float | None]:
    return {key: value if math.isfinite(value) else None for key, value in asdict(figures).items()}


def _with_mean(figures: dict[str, Any]) -> dict[str, Any]:
    return {f"mean_{key}": value for key, value in figures.items()}


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return math.fsum(found) / len(found) if found else math.nan


def _mean_figures(figures: list[Figures]) -> Figures:
    return Figures(*(_mean(getattr(f, key) for f in figures) for key in ("psnr", "ssim", "gmsd")))
