"""Pyramids give the picture back, sizes halve, and bands answer to their orientation. [A16]"""

import numpy as np
import pytest

from pellucid.errors import UsageError
from pellucid.reference.classical_kernels import PREWITT_X, SOBEL_X, SOBEL_Y, binomial, gabor
from pellucid.reference.pyramids import (
    from_laplacian,
    from_steerable,
    gaussian_pyramid,
    laplacian_pyramid,
    steerable_pyramid,
)

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(8, 8), (13, 21), (32, 17), (4, 40)], ids=str)
@pytest.mark.parametrize("levels", [0, 1, 2])
def test_a_laplacian_pyramid_gives_the_picture_back(shape, levels):
    x = RNG.normal(size=shape)
    pyramid = laplacian_pyramid(x, levels)
    assert len(pyramid) == levels + 1
    assert np.allclose(from_laplacian(pyramid), x, atol=1e-12)


def test_levels_halve_and_a_constant_stays_one():
    pyramid = gaussian_pyramid(np.full((13, 20), 0.3), 3)
    assert [level.shape for level in pyramid] == [(13, 20), (7, 10), (4, 5), (2, 3)]
    assert all(np.allclose(level, 0.3) for level in pyramid)
    assert all(np.allclose(detail, 0) for detail in laplacian_pyramid(np.full((13, 20), 0.3), 3)[:-1])


def test_a_gaussian_level_is_a_binomial_blur():
    x = RNG.normal(size=(16, 16))
    inside = sum(binomial(5)[i, j] * x[i : i + 12, j : j + 12] for i in range(5) for j in range(5))
    assert np.allclose(gaussian_pyramid(x, 1)[1][1:7, 1:7], inside[::2, ::2])


@pytest.mark.parametrize("orientations", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("shape", [(32, 32), (16, 48)], ids=str)
def test_a_steerable_pyramid_gives_the_picture_back(shape, orientations):
    x = RNG.normal(size=shape)
    pyramid = steerable_pyramid(x, 2, orientations)
    assert [len(level) for level in pyramid.bands] == [orientations] * 2
    assert pyramid.bands[1][0].shape == (shape[0] // 2, shape[1] // 2)
    assert np.allclose(from_steerable(pyramid), x, atol=1e-10)


@pytest.mark.parametrize("orientation", range(4))
def test_a_band_answers_to_its_orientation(orientation):
    y, x = np.mgrid[0:64, 0:64]
    angle = np.pi * orientation / 4
    fx, fy = np.round(12 * np.cos(angle)), np.round(12 * np.sin(angle))
    wave = np.cos(2 * np.pi * (fx * x + fy * y) / 64)
    strength = [np.square(band).mean() for band in steerable_pyramid(wave, 2, 4).bands[0]]
    assert np.argmax(strength) == orientation and max(strength) > 3 * sorted(strength)[-2]


def test_a_shifted_picture_has_shifted_bands():
    x = RNG.normal(size=(32, 32))
    moved = steerable_pyramid(np.roll(x, 4, axis=1), 2).bands[0][1]
    assert np.allclose(moved, np.roll(steerable_pyramid(x, 2).bands[0][1], 4, axis=1))


def test_classical_kernels():
    assert np.allclose(binomial(3) * 16, [[1, 2, 1], [2, 4, 2], [1, 2, 1]])
    assert np.array_equal(PREWITT_X, [[1, 0, -1]] * 3) and np.array_equal(SOBEL_Y, SOBEL_X.T)
    ramp = np.tile(np.arange(3.0), (3, 1))  # brighter to the right
    assert (SOBEL_X * ramp).sum() == -8 and (SOBEL_Y * ramp).sum() == 0
    kernel = gabor(21, 6, np.pi / 2, 4)
    assert abs(kernel.sum()) < 1e-9 and np.allclose(kernel, kernel[::-1]) and np.allclose(kernel, kernel[:, ::-1])
    y = np.arange(21)[:, None] - 10
    assert abs((kernel * np.cos(2 * np.pi * y / 6)).sum()) > 10 * abs((kernel * np.cos(2 * np.pi * y.T / 6)).sum())


def test_pyramids_that_are_none_are_refused():
    with pytest.raises(UsageError, match="5 levels.*0 to 4"):
        gaussian_pyramid(np.zeros((20, 30)), 5)
    with pytest.raises(UsageError, match="multiples of 8"):
        steerable_pyramid(np.zeros((20, 32)), 3)
