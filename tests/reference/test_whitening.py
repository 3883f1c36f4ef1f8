"""Data statistics and whitening: what becomes of the covariance."""

import numpy as np
import pytest

from pellucid.errors import UsageError
from pellucid.reference.whitening import channel_statistics, whitening


@pytest.fixture
def correlated() -> np.ndarray:
    rng = np.random.default_rng(1)
    return 3 + rng.normal(size=(500, 4)) @ rng.normal(size=(4, 4))


def covariance(x: np.ndarray) -> np.ndarray:
    return np.cov(x, rowvar=False, bias=True)


@pytest.mark.parametrize("kind", ["pca", "zca"])
def test_white_data_have_mean_0_and_unit_covariance(correlated: np.ndarray, kind) -> None:
    white = whitening(correlated, kind)(correlated)
    np.testing.assert_allclose(white.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(covariance(white), np.eye(4), atol=1e-10)


def test_standardising_leaves_the_covariance_off_the_diagonal(correlated: np.ndarray) -> None:
    """The lecture's remark: element by element, dependence is neglected."""
    mean, deviation = channel_statistics([correlated])
    c = covariance((correlated - mean) / deviation)
    np.testing.assert_allclose(np.diag(c), 1)
    assert np.abs(c - np.eye(4)).max() > 0.1


def test_zca_stays_closest_to_the_data(correlated: np.ndarray) -> None:
    """Its matrix is symmetric, and the white data lie nearer to the centred data than those of pca."""
    zca, pca = whitening(correlated, "zca"), whitening(correlated, "pca")
    np.testing.assert_allclose(zca.matrix, zca.matrix.T, atol=1e-12)
    centred = correlated - correlated.mean(axis=0)
    assert np.linalg.norm(zca(correlated) - centred) < np.linalg.norm(pca(correlated) - centred)


def test_epsilon_holds_down_flat_directions() -> None:
    x = np.random.default_rng(2).normal(size=(100, 3)) * [1, 1, 1e-9]
    assert np.abs(whitening(x, epsilon=0.1)(x)[:, 2]).max() < 1e-6


def test_channel_statistics_over_pictures_of_different_sizes() -> None:
    rng = np.random.default_rng(3)
    pictures = [rng.normal(size=(h, w, 3)) for h, w in [(4, 5), (7, 2), (1, 1)]]
    rows = np.concatenate([p.reshape(-1, 3) for p in pictures])
    mean, deviation = channel_statistics(pictures)
    np.testing.assert_allclose(mean, rows.mean(axis=0))
    np.testing.assert_allclose(deviation, rows.std(axis=0))


def test_refusals_name_what_was_seen() -> None:
    with pytest.raises(UsageError, match="no pictures"):
        channel_statistics([])
    with pytest.raises(UsageError, match="do not vary in some direction.*hint: raise epsilon"):
        whitening(np.ones((5, 2)))
    with pytest.raises(UsageError, match="unknown kind of whitening 'zac'"):
        whitening(np.eye(3), "zac")  # type: ignore[arg-type]
