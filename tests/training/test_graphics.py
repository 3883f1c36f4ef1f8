"""Pictures drawn to learn from."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from training.graphics import HEIGHT, WIDTH, drawing, drawn, page, pattern, slide  # noqa: E402


@pytest.mark.parametrize("kind", [page, slide, drawing, pattern])
def test_a_drawn_picture_has_edges_and_is_the_same_again(kind):
    picture = drawn(kind, np.random.default_rng(3))
    assert picture.shape == (HEIGHT, WIDTH, 3) and picture.dtype == np.uint8
    steps = np.abs(np.diff(picture.astype(int), axis=1)).max(axis=2)
    assert (steps > 30).mean() > 0.005  # edges
    assert np.array_equal(picture, drawn(kind, np.random.default_rng(3)))
    assert not np.array_equal(picture, drawn(kind, np.random.default_rng(4)))
