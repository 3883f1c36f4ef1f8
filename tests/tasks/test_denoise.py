"""Denoising files: rows in, rows out, equal to the whole picture at once, with the level that was named or measured."""

import io
from dataclasses import replace

import numpy as np
import pytest

import pellucid
from pellucid import modelfile
from pellucid.card import Card
from pellucid.errors import PictureError, UsageError
from pellucid.evaluate import runner
from pellucid.graph import Graph, Node
from pellucid.picture import Picture, from_float, read, to_float, write
from pellucid.tasks.denoise import ALIKE, Wanted, denoise_file, level_of
from pellucid.tasks.denoise import denoise as denoise_array
from pellucid.tasks.noise import estimate_sigma
from pellucid.tasks.rows import Options
from tests.small_models import denoising_model, superres_model

H, W = 71, 53


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return {c: pellucid.load(denoising_model(folder / f"{c}.safetensors", c)) for c in (1, 3)}


def noisy(channels, dtype=np.uint8, sigma=20.0):
    x = 0.5 + np.random.default_rng(1).normal(0, sigma / 255, (H, W, channels))
    return from_float(x.astype(np.float32), dtype)


def denoise(networks, folder, pixels, wanted, alpha=None):
    write(folder / "in.png", Picture(pixels, alpha), overwrite=True)
    options = Options(overwrite=True)
    notes = denoise_file(networks.__getitem__, str(folder / "in.png"), str(folder / "out.png"), options, wanted)
    return read(folder / "out.png"), notes


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_file_gives_what_the_array_gives(tmp_path, networks, channels, dtype):
    pixels = noisy(channels, dtype)
    result, notes = denoise(networks, tmp_path, pixels, Wanted(40))
    expected = runner(networks[channels], sigma=40)(to_float(pixels))
    np.testing.assert_array_equal(result.pixels, from_float(expected, dtype))
    assert not notes and (result.pixels != pixels).any()


def test_colour_through_a_grey_network_is_each_channel_alone(tmp_path, networks):
    pixels = noisy(3)
    result, _ = denoise({3: networks[1]}, tmp_path, pixels, Wanted(40))
    for c in range(3):
        alone = runner(networks[1], sigma=40)(to_float(pixels[:, :, c : c + 1]))
        np.testing.assert_array_equal(result.pixels[:, :, c : c + 1], from_float(alone, np.uint8))


def test_grey_through_a_colour_network_is_told_of_more(tmp_path, networks):
    pixels = noisy(1)
    result, _ = denoise({1: networks[3]}, tmp_path, pixels, Wanted(20))
    expected = runner(networks[3], sigma=ALIKE * 20)(to_float(pixels))
    np.testing.assert_array_equal(result.pixels, from_float(expected, np.uint8))
    assert level_of(networks[3], 50, channels=1) == 55 / 255


def test_the_level_is_measured_where_none_is_named(tmp_path, networks):
    measured, notes = denoise(networks, tmp_path, noisy(3), Wanted())
    assert abs(float(notes[0].split()[2]) - 20) < 1.5
    named, _ = denoise(networks, tmp_path, noisy(3), Wanted(float(notes[0].split()[2])))
    assert np.abs(measured.pixels.astype(int) - named.pixels).max() <= 1


def test_a_network_for_white_noise_says_where_a_cameras_may_be(tmp_path, networks):
    rough = np.random.default_rng(1).normal(0, 10 / 255, (H, W, 1))
    x = (0.5 + sum(np.roll(rough, by, axis) for by in (0, 1) for axis in (0, 1))).astype(np.float32)
    _, notes = denoise(networks, tmp_path, from_float(x, np.uint8), Wanted())
    assert len(notes) == 2 and notes[1].endswith("use --model denoise-photo")


def test_a_model_for_cameras_is_told_of_shared_noise(tmp_path):
    file = modelfile.load(denoising_model(tmp_path / "white.safetensors", 1))
    modelfile.save(tmp_path / "camera.safetensors", file.graph, file.weights, replace(file.card, noise="camera"))
    network = pellucid.load(tmp_path / "camera.safetensors")
    rough = np.random.default_rng(1).normal(0, 10 / 255, (H, W, 1))
    x = (0.5 + sum(np.roll(rough, by, axis) for by in (0, 1) for axis in (0, 1))).astype(np.float32)
    pixels = from_float(x, np.uint8)
    result, notes = denoise({1: network}, tmp_path, pixels, Wanted())
    found = estimate_sigma(pixels, shared=True)
    assert notes == [f"noise of {found:.1f} grey levels"] and found > 2 * estimate_sigma(pixels)
    np.testing.assert_array_equal(result.pixels, denoise_array(network, pixels, Wanted()))


def test_noise_beyond_what_was_learned_is_said(tmp_path, networks):
    _, notes = denoise(networks, tmp_path, noisy(1, sigma=75), Wanted())
    assert "taken for 55" in notes[0]


def test_strength_is_the_share_of_the_noise_that_goes(tmp_path, networks):
    pixels = noisy(3, np.uint16)
    nothing, half, everything = (
        denoise(networks, tmp_path, pixels, Wanted(50, s))[0].pixels.astype(float) for s in (0, 0.5, 1)
    )
    np.testing.assert_array_equal(nothing, pixels)
    np.testing.assert_allclose(half, (nothing + everything) / 2, atol=1)
    assert np.abs(everything - nothing).max() > 100


def test_a_picture_without_noise_stays_what_it_is(tmp_path):
    """Whatever the network makes of it."""
    darker = {"c.weight": np.array([0.9, 1], np.float32).reshape(1, 2, 1, 1)}
    modelfile.save(tmp_path / "darker.safetensors", Graph((Node("c", "conv"),), 2), darker, Card("denoise"))
    network, flat = pellucid.load(tmp_path / "darker.safetensors"), np.full((H, W, 1), 128, np.uint8)
    for wanted in (Wanted(0), Wanted()):
        np.testing.assert_array_equal(denoise({1: network}, tmp_path, flat, wanted)[0].pixels, flat)
        np.testing.assert_array_equal(denoise_array(network, flat, wanted), flat)
    assert (denoise_array(network, flat, Wanted(5)) != flat).any()


def test_alpha_stays_and_what_is_transparent_is_not_measured(tmp_path, networks):
    pixels, alpha = noisy(3), np.zeros((H, W, 1), np.uint8)
    alpha[:, :30] = np.linspace(1, 255, 30).astype(np.uint8)[:, None]
    pixels[:, 30:] = 128  # without noise, and nobody sees it
    result, notes = denoise(networks, tmp_path, pixels, Wanted(), alpha)
    np.testing.assert_array_equal(result.alpha, alpha)
    assert abs(float(notes[0].split()[2]) - 20) < 1.5
    pixels[:, 30:] = 255
    np.testing.assert_array_equal(denoise(networks, tmp_path, pixels, Wanted(), alpha)[0].pixels, result.pixels)


@pytest.mark.parametrize("wanted", [Wanted(), Wanted(30, 0.5), Wanted(0)])
@pytest.mark.parametrize("channels", [1, 3])
def test_in_memory_it_is_the_same(tmp_path, networks, channels, wanted):
    pixels = noisy(channels)
    result, _ = denoise(networks, tmp_path, pixels, wanted)
    np.testing.assert_array_equal(denoise_array(networks[channels], pixels, wanted), result.pixels)
    if channels == 1:
        np.testing.assert_array_equal(denoise_array(networks[1], pixels[..., 0], wanted), result.pixels[..., 0])


def test_a_stream_is_measured_and_cleaned(tmp_path, networks):
    expected, notes = denoise(networks, tmp_path, noisy(3), Wanted())
    out = io.BytesIO()
    data = (tmp_path / "in.png").read_bytes()
    seen: list[tuple[int, int]] = []
    advanced = lambda rows, of: seen.append((rows, of))  # noqa: E731
    assert denoise_file(networks.__getitem__, io.BytesIO(data), out, Options(), Wanted(), advanced) == notes
    np.testing.assert_array_equal(read(out.getvalue()).pixels, expected.pixels)
    assert seen[-1] == (H, H)


def test_small_pictures_are_cleaned_if_the_level_is_named(tmp_path, networks):
    pixels = noisy(3)[:1, :1]
    assert denoise(networks, tmp_path, pixels, Wanted(10))[0].pixels.shape == (1, 1, 3)
    with pytest.raises(PictureError, match="too small to measure its noise.*--sigma"):
        denoise(networks, tmp_path, pixels, Wanted())


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: Wanted(-1), "no such noise level; seen: -1"),
        (lambda: Wanted(56), "expected: auto, or 0 to 55"),
        (lambda: Wanted(float("nan")), "no such noise level"),
        (lambda: Wanted(strength=1.5), "no such strength; seen: 1.5"),
    ],
)
def test_what_cannot_be_wanted_is_refused(make, line):
    with pytest.raises(UsageError, match=line):
        make()


def test_other_models_are_refused(tmp_path):
    with pytest.raises(UsageError, match="does not clean pictures; seen: a model for superres"):
        level_of(pellucid.load(superres_model(tmp_path / "x3.safetensors")), 10)
