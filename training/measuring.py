"""What a model that ships is measured on, and the measuring, spread over processes: picture by picture, so that every
core has work until the end.

It knows the published sets by their folders' names and nothing of training. Each process runs the engine with one
thread; figures do not depend on how many there are.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import pellucid
from pellucid.card import Card, Figure
from pellucid.evaluate import evaluate_camera, evaluate_denoise, evaluate_superres, named_in, pictures_in, runner
from pellucid.report import Figures, Report

Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True)
class Measure:
    """One row of figures: a set of pictures, all of a folder or those that a list names, and what is done to them."""

    data: str  # as tables call it
    folder: str
    only: str = ""
    sigma: float | None = None
    camera: bool = False  # its noise, in place of white noise
    quality: int | None = None
    ensemble: bool = False

    @property
    def title(self) -> str:
        of = "a camera's " * self.camera
        how = "" if self.sigma is None else f", {of}noise {self.sigma:g}"
        how += f", JPEG {self.quality}" if self.quality else ""
        return self.data + how + ", self-ensemble" * self.ensemble

    def pictures(self, root: Path) -> list[Path]:
        return named_in(root / self.only, root / self.folder) if self.only else pictures_in(root / self.folder)


SUPERRES = (
    Measure("Set5", "set5"),
    Measure("Set14", "set14"),
    Measure("B100", "bsd100"),
    Measure("Set14", "set14", quality=50),
    Measure("Set5", "set5", ensemble=True),
)
NOISE = (15, 25, 50)
GREY = tuple(Measure(d, f, sigma=s) for d, f in (("Set12", "set12"), ("BSD68", "bsd68_gray")) for s in NOISE)
CAMERA = (10, 25)
CBSD68 = partial(Measure, "CBSD68", "bsd100", "cbsd68_in_bsd100.txt")
COLOUR = tuple(CBSD68(sigma=s) for s in NOISE) + tuple(CBSD68(sigma=s, camera=True) for s in CAMERA)


def measures_of(network: pellucid.Network, sigma: float | None) -> tuple[Measure, ...]:
    """What a model for pictures is measured on; `sigma` is the one noise level of a model that knows no other."""
    if network.card.task == "superres":
        return SUPERRES
    chosen = GREY if network.graph.channels in (1, 2) else COLOUR
    return tuple(m for m in chosen if sigma is None or m.sigma == sigma)


@dataclass(frozen=True)
class Work:
    """One picture, in the words that a fresh process understands."""

    model: Path
    measure: Measure
    picture: Path
    precision: Precision


def measured(path: Path, measures: Sequence[Measure], root: Path, processes: int) -> Card:
    """The model's card with its figures, and with what bfloat16 costs on the first of the measures."""
    runs: list[tuple[Measure, Precision]] = [(measure, "fp32") for measure in measures]
    reports = list(_reports(path, [*runs, (measures[0], "bf16")], root, processes))
    loss = reports[0].mean_psnr - reports[-1].mean_psnr
    figures = tuple(figure(measure.title, report) for measure, report in zip(measures, reports, strict=False))
    card = pellucid.load(path).card
    return Card(**{**vars(card), "figures": figures, "bf16_loss_db": round(loss, 4)})


def figure(title: str, report: Report) -> Figure:
    """A report's means as a card keeps them."""
    mean = report.mean()
    values = _values(mean.model, "") | _values(mean.beside, f" of {report.beside}")
    if mean.rounded is not None:
        values["psnr as 8 bit"] = round(mean.rounded.psnr, 4)
    return Figure(title, str(report.protocol), values)


def _values(figures: Figures, suffix: str) -> dict[str, float]:
    return {
        f"psnr{suffix}": round(figures.psnr, 4),
        f"ssim{suffix}": round(figures.ssim, 4),
        f"gmsd{suffix}": round(figures.gmsd, 4),
    }


def _reports(path: Path, runs: list[tuple[Measure, Precision]], root: Path, processes: int) -> Iterator[Report]:
    pictures = [measure.pictures(root) for measure, _ in runs]
    works = [Work(path, m, picture, p) for (m, p), found in zip(runs, pictures, strict=True) for picture in found]
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        done = pool.map(measure_one, works, chunksize=4)
        for found in pictures:
            parts = [next(done) for _ in found]
            for part in parts[1:]:
                parts[0].pictures.extend(part.pictures)
            yield parts[0]


def measure_one(work: Work) -> Report:
    network = _loaded(work.model)
    measure = work.measure
    run = runner(network, sigma=measure.sigma, precision=work.precision, threads=1, self_ensemble=measure.ensemble)
    if measure.sigma is None:
        return evaluate_superres(run, [work.picture], network.card.scale or 1, quality=measure.quality)
    evaluate = evaluate_camera if measure.camera else evaluate_denoise
    return evaluate(run, [work.picture], measure.sigma)


_networks: dict[Path, pellucid.Network] = {}


def _loaded(path: Path) -> pellucid.Network:
    """Once in each process."""
    if path not in _networks:
        _networks[path] = pellucid.load(path)
    return _networks[path]
