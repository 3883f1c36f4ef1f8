"""Degradations follow the resampler that is held to MATLAB, and depend on crops and key alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pellucid.errors import UsageError
from pellucid.learn.data.augment import TURNS, turned
from pellucid.learn.data.degradations import (
    DEGRADATIONS,
    Bicubic,
    Box,
    CameraNoise,
    GaussianNoise,
    Photograph,
    blurred,
    make_degradation,
)
from pellucid.resample import box_average, imresize
from tests.learn.data.photographs import speckled


def batch(*pictures):
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255


def picture(tensor):
    return tensor.permute(1, 2, 0).double().numpy()


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bicubic_equals_imresize(scale):
    pictures = [speckled(24, 36, seed) for seed in range(3)]
    small = Bicubic(scale, rounded=False)(batch(*pictures), (0,))
    assert small.shape == (3, 3, 24 // scale, 36 // scale)
    for one, given in zip(small, pictures, strict=True):
        expected = imresize(given / 255.0, size=(24 // scale, 36 // scale))
        assert np.abs(picture(one) - expected).max() < 2e-6


def test_box_equals_the_mean_of_blocks():
    given = speckled(12, 18, 1)
    assert np.abs(picture(Box(3, rounded=False)(batch(given), (0,))[0]) - box_average(given / 255.0, 3)).max() < 1e-6


@pytest.mark.parametrize("kind", [Bicubic, Box])
def test_rounding_gives_what_a_file_would_hold(kind):
    clean = batch(speckled(24, 24, 5))
    plain, rounded = (kind(3, rounded=r)(clean, (0,)) * 255 for r in (False, True))
    assert torch.allclose(rounded, rounded.round(), atol=1e-4) and rounded.min() >= 0 and rounded.max() <= 255
    assert (rounded - plain.clamp(0, 255)).abs().max() <= 0.5 + 1e-3


def test_noise_has_the_level_that_each_sample_drew():
    noise, clean = GaussianNoise(5, 60), torch.zeros(6, 3, 64, 64)
    levels = noise.levels(6, (1, 2))
    assert len(set(levels.tolist())) == 6 and levels.min() > 5 / 255 and levels.max() < 60 / 255
    given = noise(clean, (1, 2))
    assert given.std(dim=(1, 2, 3)).numpy() == pytest.approx(levels, rel=0.03)
    assert given.mean(dim=(1, 2, 3)).abs().max() < 0.01
    assert given.min() < 0  # not clipped


def test_the_level_is_told_in_a_channel_of_its_own():
    noise, clean = GaussianNoise(5, 60, with_level=True), torch.zeros(4, 3, 32, 32)
    given, levels = noise(clean, (1, 2)), torch.from_numpy(noise.levels(4, (1, 2)))
    assert given.shape == (4, 4, 32, 32)
    assert torch.equal(given[:, :3], GaussianNoise(5, 60)(clean, (1, 2)))
    assert torch.equal(given[:, 3], levels.reshape(4, 1, 1).expand(4, 32, 32))


def test_a_cameras_noise_is_stronger_in_the_shadows_and_has_its_level():
    clean = torch.full((64, 3, 48, 48), 0.05)
    clean[:, :, 24:] = 0.9
    noise = CameraNoise(20, 20, shadows=0.8, spread=0, rounded=False)(clean, (3,)) - clean
    dark, bright = noise[:, :, :24].std(dim=(1, 2, 3)), noise[:, :, 24:].std(dim=(1, 2, 3))
    assert (dark / bright).max() > 3 and (dark / bright).min() < 1.3  # drawn between even and uneven
    grey = torch.full((8, 3, 96, 96), 0.5)
    for spread in (0, 1):
        noise = CameraNoise(20, 20, spread=spread, rounded=False)(grey, (3,)) - grey
        assert noise[..., 1:-1, 1:-1].std(dim=(1, 2, 3)).numpy() * 255 == pytest.approx([20] * 8, rel=0.05)


def test_a_cameras_noise_is_shared_by_neighbours():
    clean = torch.full((64, 1, 48, 48), 0.5)

    def alike(spread):
        noise = CameraNoise(20, 20, shadows=0, spread=spread, rounded=False)(clean, (3,)) - clean
        return (noise[..., 1:] * noise[..., :-1]).mean(dim=(1, 2, 3)) / noise.square().mean(dim=(1, 2, 3))

    assert alike(0).abs().max() < 0.08
    assert alike(0.4).max() > 0.4 and alike(0.4).mean() > 0.2


def test_a_cameras_noise_is_stored_as_a_file_would():
    given = CameraNoise(50, 50)(torch.full((4, 3, 16, 16), 0.1), (3,))
    assert given.min() == 0 and torch.allclose(given * 255, (given * 255).round(), atol=1e-4)


def test_what_is_told_of_a_cameras_noise_is_off_as_measuring_is():
    clean = torch.full((64, 3, 8, 8), 0.5)
    told = CameraNoise(20, 20, misjudged=0.25, with_level=True)(clean, (3,))[:, 3, 0, 0] * 255
    assert told.min() >= 15 and told.max() <= 25 and told.std() > 2


def test_noise_is_a_function_of_the_key():
    noise, clean = GaussianNoise(), batch(speckled(16, 16, 1))
    torch.manual_seed(1)
    first = noise(clean, (7, 5, 0))
    torch.manual_seed(2)
    assert torch.equal(noise(clean, (7, 5, 0)), first)
    assert not torch.equal(noise(clean, (7, 5, 1)), first)
    assert not torch.equal(noise(clean, (8, 5, 0)), first)


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_every_degradation_keeps_its_word(name):
    degradation = make_degradation(name)
    clean = batch(speckled(24, 24, 1), speckled(24, 24, 2))
    given = degradation(clean, (3,))
    assert given.shape == (2, 3, 24 // degradation.scale, 24 // degradation.scale)
    assert given.dtype == torch.float32
    assert torch.equal(degradation(clean, (3,)), given)
    assert hash(degradation) == hash(make_degradation(name))  # frozen, so a recipe can hold it


@pytest.mark.parametrize("name", ["bicubic", "box"])
def test_turning_and_shrinking_commute(name):
    degradation = make_degradation(name, {"rounded": False})
    crop = speckled(24, 24, 1)
    small = picture(degradation(batch(crop), (0,))[0])
    for turn in range(TURNS):
        assert np.abs(picture(degradation(batch(turned(crop, turn)), (0,))[0]) - turned(small, turn)).max() < 1e-6


@pytest.mark.parametrize("name", sorted(set(DEGRADATIONS) - {"photograph"}))  # blocks reach as far as they are wide
def test_a_result_depends_on_no_more_than_its_margin(name):
    degradation = make_degradation(name)
    one, other = speckled(48, 48, 1), speckled(48, 48, 2)
    margin = degradation.margin
    other[12 - margin : 36 + margin, 12 - margin : 36 + margin] = one[
        12 - margin : 36 + margin, 12 - margin : 36 + margin
    ]
    cut = slice(12 // degradation.scale, 36 // degradation.scale)
    given = [degradation(batch(crop), (1,))[..., cut, cut] for crop in (one, other)]
    assert torch.allclose(*given, atol=1e-6)


def test_unknown_names_and_settings_list_the_known():
    with pytest.raises(
        UsageError, match="unknown degradation 'bicubc'.*bicubic, box, camera, identity, noise.*did you mean"
    ):
        make_degradation("bicubc")
    with pytest.raises(UsageError, match="unknown setting of the degradation bicubic 'factor'.*rounded, scale"):
        make_degradation("bicubic", {"factor": 3})


def test_wrong_settings_are_refused():
    with pytest.raises(UsageError, match="scale .* out of range; seen: 1"):
        Bicubic(1)
    with pytest.raises(UsageError, match="out of order; seen: 9 to 3"):
        GaussianNoise(9, 3)
    with pytest.raises(UsageError, match="out of order; seen: 9 to 3"):
        CameraNoise(9, 3)
    with pytest.raises(UsageError, match="the spread of noise is out of range; seen: 2"):
        CameraNoise(spread=2)
    with pytest.raises(UsageError, match="does not shrink evenly; seen: 25 pixels by 3"):
        Bicubic(3)(torch.zeros(1, 3, 25, 24), (0,))


def test_a_photograph_is_blurred_noisy_and_in_blocks():
    """Each part can be turned off, and with all of them off little but the finest JPEG's rounding is left."""
    clean = batch(speckled(48, 48, 2), speckled(48, 48, 3)).mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    best = {"blur": 0.0, "noise": 0.0, "camera": 100.0, "low": 100.0, "high": 100.0}
    right = Bicubic(3)(clean, (0,))

    def away(**settings):
        return float((Photograph(3, **(best | settings))(clean, (7, 1)) - right).abs().mean())

    nothing = away()
    assert nothing < 3 / 255
    assert min(away(blur=2.0), away(noise=40.0), away(camera=1.0), away(low=10.0, high=10.0)) > 1.2 * nothing
    assert away(low=10.0, high=10.0) > away(low=60.0, high=60.0)


def test_blur_is_a_gaussian_of_each_samples_width():
    spot = torch.zeros(2, 1, 15, 15)
    spot[:, :, 7, 7] = 1
    x = torch.arange(-7, 8).float()
    for one, sigma in zip(blurred(spot, torch.tensor([0.7, 0.9])), (0.7, 0.9), strict=True):
        assert float(one.sum()) == pytest.approx(1)
        assert float((one[0].sum(dim=0) * x**2).sum()) == pytest.approx(sigma**2, rel=0.06)


@pytest.mark.parametrize("settings", [{"low": 90, "high": 30}, {"high": 101}, {"blur": -1}, {"scale": 1}])
def test_photographs_that_cannot_be(settings):
    with pytest.raises(UsageError):
        Photograph(**settings)
