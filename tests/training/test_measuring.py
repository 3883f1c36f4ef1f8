"""Measuring in several processes gives the figures that one gives, picture by picture."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from training.measuring import COLOUR, GREY, SUPERRES, Measure, measured, measures_of

import pellucid
from pellucid.evaluate import evaluate_superres, runner
from pellucid.picture import Picture, write
from pellucid.resample import imresize
from tests.small_models import denoising_model, superres_model


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for i in range(5):
        coarse = np.random.default_rng(i).integers(0, 256, (14, 14, 3)).astype(np.uint8)
        (tmp_path / "set").mkdir(exist_ok=True)
        write(tmp_path / "set" / f"{i}.png", Picture(imresize(coarse, 4)))
    (tmp_path / "part.txt").write_text("3.png\n1.png\n")
    return tmp_path


def test_processes_share_the_pictures_and_not_the_figures(root: Path) -> None:
    path = superres_model(root / "small.safetensors")
    measures = (Measure("Five", "set"), Measure("Two", "set", "part.txt", quality=50))
    measures += (Measure("Two", "set", "part.txt", ensemble=True),)
    card = measured(path, measures, root, processes=2)
    network = pellucid.load(path)
    whole = evaluate_superres(runner(network, precision="fp32", threads=1), root / "set", 3)
    assert [f.data for f in card.figures] == ["Five", "Two, JPEG 50", "Two, self-ensemble"]
    assert card.figures[2].values["psnr"] > card.figures[1].values["psnr"]
    assert card.figures[0].values["psnr"] == round(whole.mean_psnr, 4)
    assert card.figures[0].values["gmsd of bicubic"] == round(whole.mean().beside.gmsd, 4)
    assert "JPEG of quality 50" in card.figures[1].protocol
    assert card.bf16_loss_db is not None and abs(card.bf16_loss_db) < 1
    assert replace(card, figures=(), bf16_loss_db=None) == replace(network.card, figures=(), bf16_loss_db=None)


def test_noise_is_white_or_a_cameras(root: Path) -> None:
    path = denoising_model(root / "colour.safetensors")
    measures = tuple(Measure("Two", "set", "part.txt", sigma=20, camera=camera) for camera in (False, True))
    white, camera = measured(path, measures, root, processes=1).figures
    assert (white.data, camera.data) == ("Two, noise 20", "Two, a camera's noise 20")
    assert "psnr as 8 bit" in white.values and "psnr as 8 bit" not in camera.values
    assert white.values["psnr of noisy"] != camera.values["psnr of noisy"] and "as a camera leaves" in camera.protocol


def test_a_model_is_measured_on_what_it_is_for(root: Path) -> None:
    def measures(path: Path, sigma: float | None = None) -> tuple[Measure, ...]:
        return measures_of(pellucid.load(path), sigma)

    assert measures(superres_model(root / "small.safetensors")) == SUPERRES
    assert measures(denoising_model(root / "grey.safetensors", colours=1)) == GREY
    assert measures(denoising_model(root / "colour.safetensors")) == COLOUR
    assert {m.title for m in measures(root / "grey.safetensors", 25)} == {"Set12, noise 25", "BSD68, noise 25"}
