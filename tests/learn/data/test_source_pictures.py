"""Which files are taken, what becomes of unusual pictures, and what is left out with which words."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.errors import DatabaseError, PictureError
from pellucid.learn.data.source_pictures import (
    SourceFile,
    SourcePicture,
    decode,
    examine,
    file_checksum,
    find_files,
    load,
    shrunk,
)
from pellucid.resample import imresize
from tests.learn.data.photographs import save, speckled


def test_folders_are_walked_and_only_pictures_taken(photos):
    (photos / "below").mkdir()
    (photos / ".hidden").mkdir()
    for place in ("below/z.png", ".hidden/z.png", ".z.png"):
        save(photos / place, speckled(20, 20, 9))
    names = [file.name for file in find_files([photos])]
    assert names == [f"photos/{n}" for n in ("a.png", "b.png", "below/z.png", "broken.png", "c.tif", "d.webp", "e.png")]


def test_a_file_named_twice_is_found_once(photos):
    assert len(find_files([photos / "a.png", photos / "a.png", photos / "b.png"])) == 2


def test_missing_and_empty_places_are_said(tmp_path):
    with pytest.raises(PictureError, match="no such file or folder.*nowhere"):
        find_files([tmp_path / "nowhere"])
    with pytest.raises(PictureError, match="no pictures were found"):
        find_files([tmp_path])


def test_grey_becomes_three_equal_channels(tmp_path):
    grey = speckled(20, 30, 1, c=1)
    assert np.array_equal(decode(str(save(tmp_path / "g.png", grey))), np.repeat(grey, 3, axis=2))


def test_sixteen_bits_are_rounded_to_eight(tmp_path):
    deep = np.array([0, 128, 129, 257, 65535], np.uint16).reshape(1, 5, 1).repeat(3, axis=2)
    pixels = decode(str(save(tmp_path / "d.png", deep)))
    assert pixels.dtype == np.uint8
    assert pixels[0, :, 0].tolist() == [0, 0, 1, 1, 255]


def test_alpha_is_dropped_only_where_it_says_nothing(tmp_path):
    pixels, opaque = speckled(20, 20, 2), np.full((20, 20, 1), 255, np.uint8)
    assert np.array_equal(decode(str(save(tmp_path / "opaque.png", pixels, opaque))), pixels)
    opaque[3, 4] = 254
    with pytest.raises(PictureError, match="transparent"):
        decode(str(save(tmp_path / "clear.png", pixels, opaque)))


@pytest.mark.parametrize(("h", "w", "factor"), [(60, 60, 2), (61, 64, 3), (600, 20, 4)])
def test_shrinking_in_bands_equals_shrinking_the_whole(h, w, factor):
    pixels = speckled(h, w, 3)
    even = pixels[: h // factor * factor, : w // factor * factor].astype(np.float64) / 255
    whole = np.clip(imresize(even, size=(h // factor, w // factor)), 0, 1) * 255
    small = shrunk(pixels, factor)
    assert small.shape == (h // factor, w // factor, 3)
    assert np.abs(small - whole).max() < 0.5 + 1e-3  # the nearest whole number, but for a tie in float32


def examined(path, **settings):
    file = SourceFile(path.name, str(path))
    return examine(file, **{"crop": 16, "shrink": 1, "min_detail": 0.0, **settings})


def test_examine_tells_what_a_picture_can_give(photos, tmp_path):
    a = photos / "a.png"
    assert examined(a) == SourcePicture("a.png", file_checksum(str(a)), 60, 80, 1.0)
    assert examined(a, shrink=3) == SourcePicture("a.png", file_checksum(str(a)), 20, 26, 1.0)
    assert examined(a, crop=61) == "too small: 80 x 60, crops are 61 x 61"
    assert "after shrinking" in examined(a, shrink=4)
    half = speckled(32, 64, 4)
    half[:, :32] = 7
    share = examined(save(tmp_path / "half.png", half), min_detail=40.0).share
    assert 0.3 < share < 0.7
    assert "detail" in examined(save(tmp_path / "flat.png", np.zeros((32, 32, 3), np.uint8)), min_detail=1.0)


def test_broken_files_are_left_out_with_a_reason_that_names_no_folder(photos, tmp_path):
    (tmp_path / "noise.png").write_bytes(b"this is no picture")
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "link.png").symlink_to(tmp_path / "gone.png")
    for path in (photos / "broken.png", tmp_path / "noise.png", tmp_path / "empty.jpg", tmp_path / "link.png"):
        reason = examined(path)
        assert isinstance(reason, str) and reason
        assert str(tmp_path) not in reason


def test_a_picture_that_changed_since_is_refused(photos):
    file = SourceFile("a.png", str(photos / "a.png"))
    before = file_checksum(file.path)
    assert load(file, before, 1).shape == (60, 80, 3)
    save(photos / "a.png", speckled(60, 80, 99))
    with pytest.raises(DatabaseError, match="changed while"):
        load(file, before, 1)
    (photos / "a.png").unlink()
    with pytest.raises(DatabaseError, match="no longer be read"):
        load(file, before, 1)
