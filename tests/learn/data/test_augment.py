"""The eight positions of a square: all different, each undone by its inverse."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.learn.data.augment import TURNS, turned, turned_back
from tests.learn.data.photographs import speckled


def test_there_are_eight_different_positions():
    crop = speckled(6, 6, 1)
    assert len({turned(crop, turn).tobytes() for turn in range(TURNS)}) == 8


@pytest.mark.parametrize("turn", range(TURNS))
def test_turning_back_undoes_it(turn):
    crop = speckled(5, 5, turn)
    assert np.array_equal(turned_back(turned(crop, turn), turn), crop)


def test_quarter_turns_are_among_them():
    crop = speckled(4, 4, 2)
    positions = [turned(crop, turn).tobytes() for turn in range(TURNS)]
    assert all(np.rot90(crop, k).tobytes() in positions for k in range(4))
