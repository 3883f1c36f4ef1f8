"""The contact sheet shows crops of both parts."""

from __future__ import annotations

import numpy as np

from pellucid.learn.data.contact_sheet import GAP, contact_sheet


def test_the_sheet_shows_crops_of_both_parts(database):
    sheet = contact_sheet(database, columns=4, train_rows=3, val_rows=2)
    pitch = 24 + GAP
    assert sheet.shape == (3 * pitch + GAP + 4 * GAP + 2 * pitch + GAP, 4 * pitch + GAP, 3)
    shown = {sheet[y : y + 24, GAP : GAP + 24].tobytes() for y in (GAP, GAP + pitch)}
    assert shown <= {crop.tobytes() for crop in database.train} and len(shown) == 2
    below = sheet[3 * pitch + GAP + 4 * GAP :][GAP : GAP + 24, GAP : GAP + 24]
    assert any(np.array_equal(below, crop) for crop in database.val)


def test_a_small_part_makes_a_short_sheet(database):
    assert len(contact_sheet(database, columns=12, train_rows=1, val_rows=9)) < len(
        contact_sheet(database, columns=4, train_rows=1, val_rows=9)
    )
