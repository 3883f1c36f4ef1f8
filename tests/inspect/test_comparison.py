"""Two models side by side: equal ones agree, a known offset has a known PSNR, the nearer one is nearer."""

import math

import numpy as np
import pytest

from pellucid.errors import UsageError
from pellucid.evaluate import noise as seeded_noise
from pellucid.graph import Node
from pellucid.inspect.comparison import compare, figures, headings_of
from tests.inspect.nets import network, noise

PICTURE = (40 + 150 * noise(48, 60, 3)).astype(np.uint8)


def brighter(levels):
    return network([Node("a", "affine", attributes={"scale": 1.0, "offset": levels / 255})], {}, 3)


def nearest(scale):
    return network([Node("a", "resize", attributes={"mode": "nearest", "scale": (float(scale), float(scale))})], {}, 3)


def test_a_known_offset_has_a_known_psnr():
    found = compare(brighter(0), brighter(5), "p", PICTURE)
    assert found.psnr is None and found.original is None
    assert (found.difference == 5).all() and found.between == pytest.approx(20 * math.log10(255 / 5))
    assert np.array_equal(found.a, PICTURE)
    assert math.isinf(compare(brighter(0), brighter(0), "p", PICTURE).between)


def test_against_the_original_with_noise():
    found = compare(brighter(0), brighter(20), "p", PICTURE, sigma=10)
    noisy = np.clip(PICTURE / 255 + seeded_noise("p", PICTURE.shape, 10 / 255), 0, 1)
    assert found.psnr[0] == pytest.approx(-10 * math.log10(np.mean((noisy - PICTURE / 255) ** 2)), abs=0.05)
    assert found.psnr[0] > found.psnr[1] and found.ssim[0] > found.ssim[1]


def test_against_the_original_enlarged_and_what_does_not_fit():
    found = compare(nearest(2), nearest(2), "p", PICTURE[:47], scale=2)
    assert found.a.shape == found.original.shape == (46, 60, 3) and 10 < found.psnr[0] < 30
    with pytest.raises(UsageError, match="different sizes"):
        compare(nearest(2), nearest(3), "p", PICTURE)
    with pytest.raises(UsageError, match="another size than the original"):
        compare(nearest(2), nearest(2), "p", PICTURE, scale=3)


def test_the_table_ends_with_means():
    found = [compare(brighter(0), brighter(n), f"p{n}", PICTURE) for n in (4, 8)]
    rows = figures(found)
    assert [row[0] for row in rows] == ["p4", "p8", "mean"] and rows[2][-1] == "8"
    assert float(rows[2][1]) == pytest.approx((found[0].between + found[1].between) / 2, abs=0.01)
    assert all(len(row) == len(headings_of("a", "b", found)) for row in rows)
