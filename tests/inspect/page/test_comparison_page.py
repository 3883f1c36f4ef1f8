"""The page of a comparison: the part that differs is the part that is shown."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from pellucid.inspect.comparison import Comparison  # noqa: E402
from pellucid.inspect.page import comparison_page as module  # noqa: E402


def test_the_strip_shows_where_answers_differ(monkeypatch):
    a = np.zeros((300, 500, 3), np.uint8)
    b = a.copy()
    b[260:290, 440:480] = 90
    seen = []
    monkeypatch.setattr(
        module, "coloured", lambda plane, *rest: seen.append(plane) or np.zeros((*plane.shape, 3), np.uint8)
    )
    c = Comparison("p<q", a, a, b, b[..., 0].astype(int), 20.0, (30.0, 25.0), (0.9, 0.8))
    text = module.comparison_page("one", "two", [c], "words")
    assert seen[0].shape == (240, 240) and (seen[0] == 90).sum() == 30 * 40
    assert "p&lt;q" in text and "bright is 90 of 255" in text and "30.00" in text and "the original, one, two" in text
