"""Image pyramids [A16]: what each level and each orientation holds, and that the picture comes back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid.learn.experiments.drawing import bare, sheet
from pellucid.learn.experiments.experiment import Claim, Experiment, Outcome, Progress
from pellucid.learn.experiments.siren import drawn_picture
from pellucid.reference.classical_kernels import PREWITT_X, SOBEL_X, binomial, gabor
from pellucid.reference.pyramids import (
    from_laplacian,
    from_steerable,
    gaussian_pyramid,
    laplacian_pyramid,
    steerable_pyramid,
)


@dataclass(frozen=True)
class Settings:
    seed: int = 0
    side: int = 128
    levels: int = 3
    orientations: int = 4


def run(settings: Settings, data: None, progress: Progress) -> Outcome:
    """[A16] Errors of reconstruction, and how many numbers each pyramid keeps for one of the picture."""
    picture = drawn_picture(settings.side).double().numpy()
    picture = picture + np.random.default_rng(settings.seed).normal(0, 0.02, picture.shape)
    progress(0, 1, "pyramids")
    gaussian = gaussian_pyramid(picture, settings.levels)
    laplacian = laplacian_pyramid(picture, settings.levels)
    steerable = steerable_pyramid(picture, settings.levels, settings.orientations)
    bands = [steerable.high, *(band for level in steerable.bands for band in level), steerable.low]
    figures = {
        "Laplacian": {
            "largest error": float(np.abs(from_laplacian(laplacian) - picture).max()),
            "numbers for one of the picture": sum(a.size for a in laplacian) / picture.size,
        },
        "steerable": {
            "largest error": float(np.abs(from_steerable(steerable) - picture).max()),
            "numbers for one of the picture": sum(a.size for a in bands) / picture.size,
        },
        "deviation of each Laplacian level": [float(a.std()) for a in laplacian],
    }
    return Outcome(figures, _claims(figures), _draw(gaussian, laplacian, steerable.bands))


def _claims(figures) -> tuple[Claim, ...]:  # type: ignore[no-untyped-def]
    return tuple(
        Claim(
            "S3",
            f"a {name} pyramid, several scales of one picture",
            f"gives it back within {figures[name]['largest error']:.1g}; "
            f"{figures[name]['numbers for one of the picture']:.2f} numbers for one",
            figures[name]["largest error"] < 1e-9,
        )
        for name in ("Laplacian", "steerable")
    )


def _draw(gaussian, laplacian, bands):  # type: ignore[no-untyped-def]
    figure, axes = sheet(4, 4, 2.1, 2.1)
    for level, place in zip(gaussian, axes[0], strict=False):
        place.imshow(level, cmap="gray", vmin=0, vmax=1)
        bare(place, f"Gaussian, {level.shape[0]} x {level.shape[1]}")
    for level, place in zip(laplacian, axes[1], strict=False):
        place.imshow(level, cmap="gray")
        bare(place, f"Laplacian, {level.shape[0]} x {level.shape[1]}")
    for o, (band, place) in enumerate(zip(bands[1 % len(bands)], axes[2], strict=False)):
        place.imshow(band, cmap="gray")
        bare(place, f"steerable, {180 * o // len(bands[0])} degrees")
    kernels = {"binomial": binomial(5), "Prewitt": PREWITT_X, "Sobel": SOBEL_X, "Gabor": gabor(21, 7, 0.6, 4)}
    for (name, kernel), place in zip(kernels.items(), axes[3], strict=True):
        place.imshow(kernel, cmap="gray")
        bare(place, name)
    return figure


EXPERIMENT = Experiment(row="A16", run=run, usual=Settings(), small=Settings(side=32, levels=2))
