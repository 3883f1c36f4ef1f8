"""Colour under transparent pixels comes from visible neighbours, whatever the blocks of rows."""

import numpy as np
import pytest

from pellucid.transparency import RADIUS, fill_transparent


def case():
    random = np.random.default_rng(0)
    colour = random.random((40, 30, 3), dtype=np.float32)
    alpha = (random.random((40, 30, 1)) > 0.9).astype(np.float32)
    alpha[:, :15] = 0
    alpha[5, 20] = 0.5
    return colour, alpha


def naive(colour, alpha):
    filled = colour.copy()
    for y, x in np.argwhere(alpha[..., 0] <= 0):
        near = slice(max(0, y - RADIUS), y + RADIUS + 1), slice(max(0, x - RADIUS), x + RADIUS + 1)
        visible = alpha[near][..., 0] > 0
        filled[y, x] = colour[near][visible].mean(0) if visible.any() else 0
    return filled


@pytest.mark.parametrize("lengths", [[40], [7, 1, 20, 12], [1] * 40, [17, 23]])
def test_hidden_pixels_take_the_mean_of_visible_neighbours(lengths):
    colour, alpha = case()
    ends = np.cumsum(lengths)
    blocks = [(colour[end - n : end], alpha[end - n : end]) for n, end in zip(lengths, ends, strict=True)]
    rows, alphas = (np.concatenate(parts) for parts in zip(*fill_transparent(blocks), strict=True))
    np.testing.assert_allclose(rows, naive(colour, alpha), atol=1e-6)
    np.testing.assert_array_equal(alphas, alpha)
    visible = alpha[..., 0] > 0
    np.testing.assert_array_equal(rows[visible], colour[visible])


def test_opaque_rows_pass_untouched():
    colour, _ = case()
    blocks = list(fill_transparent([(colour, np.ones((40, 30, 1), np.float32))]))
    assert np.array_equal(np.concatenate([rows for rows, _ in blocks]), colour)
