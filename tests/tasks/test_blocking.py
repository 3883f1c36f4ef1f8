"""JPEG's blocks are found at every usual quality, wherever their grid begins, and nowhere else."""

from pathlib import Path

import numpy as np
import pytest

from pellucid.evaluate import as_jpeg
from pellucid.picture import read
from pellucid.resample import imresize
from pellucid.tasks.blocking import BlockingMeter

PHOTOGRAPHS = sorted((Path(__file__).parents[2] / "examples" / "photographs").glob("*.png"))
TRAINING = Path(__file__).parents[2].parent / "shared" / "data" / "train" / "photos"


def meter(pixels: np.ndarray, rows: int = 64) -> BlockingMeter:
    found = BlockingMeter()
    for y in range(0, len(pixels), rows):
        found.push(pixels[y : y + rows])
    return found


@pytest.mark.parametrize("path", PHOTOGRAPHS, ids=lambda p: p.stem)
def test_every_quality_is_told_from_clean(path: Path) -> None:
    clean = read(path).pixels
    leads = [meter(as_jpeg(clean, quality)).lead() for quality in (30, 50, 75, 90, 95)]
    assert leads == sorted(leads, reverse=True)
    assert all(meter(as_jpeg(clean, quality)).blocks() for quality in (30, 50, 75, 90, 95))
    assert not meter(clean).blocks() and not meter(imresize(clean, 1 / 2)).blocks()
    assert not meter(clean.astype(np.uint16) * 257).blocks()


def test_the_grid_may_begin_anywhere_and_rows_come_in_any_portions() -> None:
    stored = as_jpeg(read(PHOTOGRAPHS[0]).pixels, 75)
    for turned in (stored[::-1], stored.swapaxes(0, 1), stored[3:, 5:], stored.mean(axis=2, keepdims=True)):
        assert meter(np.ascontiguousarray(turned).astype(np.uint8)).blocks()
    whole = meter(stored, len(stored)).lead()
    assert meter(stored, 1).lead() == meter(stored, 7).lead() == whole


@pytest.mark.parametrize("pixels", [np.full((40, 40, 3), 7, np.uint8), np.zeros((3, 2, 1), np.uint8)])
def test_nothing_to_see_is_clean(pixels: np.ndarray) -> None:
    assert not meter(pixels).blocks()


@pytest.mark.heavy
def test_photographs() -> None:
    """71 clean ones of 0.36 megapixels: none is mistaken, and blocks are found down to where the eye finds none."""
    if not TRAINING.is_dir():
        pytest.skip(f"no photographs at {TRAINING}")
    found = dict.fromkeys((None, 30, 50, 75, 90, 95), 0)
    paths = sorted(TRAINING.rglob("*.jpg"))
    for path in paths:
        clean = imresize(read(path).pixels[:1200, :1200], 1 / 2)
        for quality in found:
            found[quality] += meter(as_jpeg(clean, quality) if quality else clean).blocks()
    assert found[None] == 0 and found[30] == found[50] == found[75] == len(paths)
    assert found[90] >= 0.95 * len(paths) and found[95] >= 0.8 * len(paths)
