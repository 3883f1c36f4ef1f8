"""A database that is damaged, foreign, newer or of other crops is refused in one line that says what to do."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from pellucid.errors import DatabaseError
from pellucid.learn.data.database import open_database


@pytest.fixture
def copy(small_database, tmp_path):
    return shutil.copytree(small_database, tmp_path / "copy.db")


def edit(database, **changes):
    header = json.loads((database / "header.json").read_text())
    (database / "header.json").write_text(json.dumps({**header, **changes}))


def test_a_whole_one_opens(database):
    assert database.train.shape == (81, 24, 24, 3) and database.val.shape == (20, 24, 24, 3)
    assert database.train.dtype == np.uint8 and database.crop == 24
    assert len(database.index) == 101 and len(database.fingerprint) == 64
    assert not database.train.flags.writeable


def test_missing(tmp_path):
    with pytest.raises(DatabaseError, match="no crop database; seen: .*none.db; hint: `pellucid createdb`"):
        open_database(tmp_path / "none.db")


def test_foreign_folder_and_file(tmp_path):
    with pytest.raises(DatabaseError, match="not a crop database"):
        open_database(tmp_path)
    (tmp_path / "file").write_text("{}")
    with pytest.raises(DatabaseError, match="not a crop database"):
        open_database(tmp_path / "file")


def test_foreign_header(copy):
    edit(copy, format="another database")
    with pytest.raises(DatabaseError, match="not a crop database.*expected: format"):
        open_database(copy)


def test_newer_version(copy):
    edit(copy, version=2)
    with pytest.raises(DatabaseError, match="another version.*seen: format version 2; expected: version 1"):
        open_database(copy)


@pytest.mark.parametrize("change", [{"crop": "24"}, {"train": -1}, {"pictures": None}])
def test_damaged_header(copy, change):
    edit(copy, **change)
    with pytest.raises(DatabaseError, match="header of .* is damaged"):
        open_database(copy)


@pytest.mark.parametrize("name", ["crops.npy", "index.npy"])
def test_truncated_or_missing_file(copy, name):
    whole = (copy / name).read_bytes()
    for rest in (whole[: len(whole) // 2], whole[:20], b""):
        (copy / name).write_bytes(rest)
        with pytest.raises(DatabaseError, match=f"missing or damaged; seen: .*{name}"):
            open_database(copy)
    (copy / name).unlink()
    with pytest.raises(DatabaseError, match=f"missing or damaged; seen: .*{name}"):
        open_database(copy)


def test_files_of_two_databases(copy):
    edit(copy, train=80)
    with pytest.raises(DatabaseError, match="not belong to its header; seen: uint8 .101, 24.*expected: uint8 .100"):
        open_database(copy)


def test_crops_smaller_than_asked(small_database):
    assert open_database(small_database, at_least=24).crop == 24
    with pytest.raises(DatabaseError, match="too small; seen: 24 pixels; expected: at least 25; hint: .*--crop 25"):
        open_database(small_database, at_least=25)


def test_a_changed_pixel_is_found(copy):
    counted = []
    open_database(copy).verify(counted.append)
    assert sum(counted) == 101
    with open(copy / "crops.npy", "r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)[0]
        file.seek(-1, 2)
        file.write(bytes([last ^ 1]))
    with pytest.raises(DatabaseError, match="damaged; seen: .*crop 100"):
        open_database(copy).verify()


def test_the_fingerprint_depends_on_header_and_index(copy, small_database):
    before = open_database(small_database).fingerprint
    assert open_database(copy).fingerprint == before
    edit(copy)  # the same words, spaced otherwise
    assert open_database(copy).fingerprint != before
