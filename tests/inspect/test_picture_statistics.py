"""Statistics of pictures with known laws: noise, a random walk that forgets, a planted power law."""

import numpy as np
import pytest

from pellucid.errors import UsageError
from pellucid.inspect import statistics_of


def planted(exponent, n=128, seed=0):
    """Gaussian noise whose power falls with frequency by this exponent."""
    white = np.fft.fft2(np.random.default_rng(seed).normal(size=(n, n)))
    radius = np.hypot(np.fft.fftfreq(n)[:, None], np.fft.fftfreq(n)[None])
    radius[0, 0] = 1
    return np.fft.ifft2(white * radius ** (-exponent / 2)).real


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
def test_a_planted_power_law_is_found_within_its_error(exponent):
    found = statistics_of([planted(exponent, seed=i) for i in range(6)])
    assert found.exponent == pytest.approx(exponent, abs=0.12)
    assert abs(found.exponent - exponent) < 4 * found.exponent_error < 0.4


def test_the_correlation_of_a_process_that_forgets():
    random, rho = np.random.default_rng(0), 0.9
    field = random.normal(size=(200, 200))
    for axis in (0, 1):
        moved = np.moveaxis(field, axis, 0)
        for i in range(1, len(moved)):
            moved[i] = rho * moved[i - 1] + (1 - rho**2) ** 0.5 * moved[i]
    found = statistics_of([field])
    np.testing.assert_allclose(found.autocorrelation[:6], rho ** np.arange(6), atol=0.08)
    assert found.pairs[1].shape[1] == 2
    near, far = (np.corrcoef(found.pairs[d].T)[0, 1] for d in (1, 16))
    assert near > 0.8 > 0.5 > far


def test_eight_bits_and_colour_and_what_is_refused():
    picture = (np.random.default_rng(0).random((40, 50, 3)) * 255).astype(np.uint8)
    assert statistics_of([picture]).pairs[1].max() <= 1
    with pytest.raises(UsageError, match="no pictures"):
        statistics_of([])
    with pytest.raises(UsageError, match="too small"):
        statistics_of([picture[:4]])
