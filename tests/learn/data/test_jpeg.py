"""JPEG on tensors is held to the library that writes JPEG files, and loses what they lose."""

from __future__ import annotations

import numpy as np
import pytest
import pyvips
import torch

from pellucid.learn.data.jpeg import LUMA, tables, through_jpeg
from pellucid.picture import read
from pellucid.resample import imresize


def scene(h: int, w: int, c: int) -> np.ndarray:
    """Soft shapes in muted colours, so that nothing is clipped."""
    random = np.random.default_rng(3)
    coarse = random.uniform(40, 200, (h // 6 + 1, w // 6 + 1, 1)) + random.uniform(-30, 30, (1, 1, c))
    coarse = coarse + random.uniform(-10, 10, (h // 6 + 1, w // 6 + 1, c))
    return np.ascontiguousarray(imresize(coarse.clip(20, 235).astype(np.uint8), size=(h, w)))


def by_the_library(pixels: np.ndarray, quality: int, halved: bool) -> np.ndarray:
    h, w, c = pixels.shape
    picture = pyvips.Image.new_from_memory(pixels.tobytes(), w, h, c, "uchar")
    picture = picture.copy(interpretation="srgb" if c == 3 else "b-w")
    return read(picture.write_to_buffer(".jpg", Q=quality, subsample_mode="on" if halved else "off")).pixels


def ours(pixels: np.ndarray, quality: int, halved: bool) -> np.ndarray:
    x = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    y = through_jpeg(x, torch.tensor([float(quality)]), torch.tensor([halved]))
    return (y[0].permute(1, 2, 0) * 255).round().numpy()


@pytest.mark.parametrize("c", [1, 3])
@pytest.mark.parametrize("halved", [False, True])
@pytest.mark.parametrize("quality", [5, 30, 50, 75, 95])
def test_it_shows_what_a_decoder_shows(quality: int, halved: bool, c: int) -> None:
    pixels = scene(61, 75, c)
    theirs = by_the_library(pixels, quality, halved).astype(float)
    lost = np.abs(theirs - pixels).mean()
    assert np.abs(ours(pixels, quality, halved) - theirs).mean() < max(
        0.12 * lost, 0.8
    )  # grey levels: their integers round at every step


def test_the_best_quality_rounds_to_whole_numbers_only() -> None:
    assert (tables(LUMA, torch.tensor([100.0, 50.0]))[0] == 1).all()
    assert torch.equal(tables(LUMA, torch.tensor([50.0]))[0], LUMA.float())
    pixels = scene(32, 32, 1)
    assert np.abs(ours(pixels, 100, False) - pixels).max() <= 2


def test_each_sample_has_its_own_quality() -> None:
    x = torch.from_numpy(scene(48, 48, 3)).permute(2, 0, 1)[None].float() / 255
    twice = through_jpeg(x.repeat(2, 1, 1, 1), torch.tensor([20.0, 90.0]), torch.tensor([True, False]))
    for i, (quality, halved) in enumerate([(20, True), (90, False)]):
        assert torch.equal(twice[i], through_jpeg(x, torch.tensor([float(quality)]), torch.tensor([halved]))[0])
