"""Running sums give the detail that each crop by itself has."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.learn.data.detail import detail, detailed_places
from tests.learn.data.photographs import speckled


@pytest.mark.parametrize(("h", "w", "crop"), [(9, 9, 9), (12, 20, 5), (20, 9, 8), (11, 13, 2)])
def test_every_place_is_judged_as_its_crop_alone(h, w, crop):
    pixels = speckled(h, w, h) // np.uint8(1)
    pixels[:, : w // 2] //= 16  # a duller half, so that both answers occur
    details = np.array(
        [[detail(pixels[y : y + crop, x : x + crop]) for x in range(w - crop + 1)] for y in range(h - crop + 1)]
    )
    for least in (0.5 * details.min(), float(np.median(details)) + 1e-6, 1.1 * details.max()):
        assert np.array_equal(detailed_places(pixels, crop, least), details >= least)


def test_detail_is_in_grey_levels():
    flat, steps = np.full((6, 6, 3), 90, np.uint8), np.zeros((6, 6, 3), np.uint8)
    steps[:] = (np.arange(6) * 10)[None, :, None]  # 10 levels from column to column, none from row to row
    assert detail(flat) == 0
    assert detail(steps) == 5
