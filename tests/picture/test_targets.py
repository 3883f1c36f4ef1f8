import io
import os
import stat
import subprocess
import sys

import pytest

from pellucid.errors import PictureError, ResourceError
from pellucid.picture.targets import PendingFile


def pending(target, data=b"new", overwrite=False):
    file = PendingFile(target, overwrite=overwrite)
    file.file.write(data)
    return file


def test_nothing_is_there_before_the_commit_and_only_the_file_after(tmp_path):
    file = pending(tmp_path / "a")
    assert not (tmp_path / "a").exists()
    file.commit()
    assert [p.name for p in tmp_path.iterdir()] == ["a"] and (tmp_path / "a").read_bytes() == b"new"


def test_discarded_leaves_nothing_and_the_old_file_as_it_was(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    pending(tmp_path / "a", overwrite=True).discard()
    assert [p.name for p in tmp_path.iterdir()] == ["a"] and (tmp_path / "a").read_bytes() == b"old"


def test_an_existing_file_is_only_overwritten_when_asked(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(PictureError, match="exists already"):
        PendingFile(tmp_path / "a", overwrite=False)
    pending(tmp_path / "a", overwrite=True).commit()
    assert (tmp_path / "a").read_bytes() == b"new"


def test_permissions_follow_the_old_file_else_the_mask(tmp_path):
    (tmp_path / "old").write_bytes(b"")
    os.chmod(tmp_path / "old", 0o600)
    mask = os.umask(0o027)
    try:
        pending(tmp_path / "old", overwrite=True).commit()
        pending(tmp_path / "new").commit()
    finally:
        os.umask(mask)
    assert stat.S_IMODE(os.stat(tmp_path / "old").st_mode) == 0o600
    assert stat.S_IMODE(os.stat(tmp_path / "new").st_mode) == 0o640


def test_a_link_keeps_pointing_and_its_file_is_replaced(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    pending(tmp_path / "link", overwrite=True).commit()
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_bytes() == b"new"


def test_a_device_is_written_to_not_renamed_over():
    pending("/dev/null").commit()
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(ResourceError, match="/dev/full: can't be written: the disk is full"):
        pending("/dev/full").commit()
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


def test_a_stream_gets_all_or_nothing():
    stream = io.BytesIO()
    pending(stream).discard()
    assert stream.getvalue() == b""
    pending(stream).commit()
    assert stream.getvalue() == b"new"


def test_a_rename_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    file = pending(tmp_path / "a")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ResourceError, match="the disk is full.*free some space"):
        file.commit()
    assert list(tmp_path.iterdir()) == []


def test_folders_that_are_missing_or_in_the_way(tmp_path):
    with pytest.raises(PictureError, match="no such folder.*make the folder"):
        PendingFile(tmp_path / "none" / "a", overwrite=False)
    with pytest.raises(PictureError, match="a folder"):
        PendingFile(tmp_path, overwrite=True)


def test_what_was_left_is_removed_and_what_lives_is_not(tmp_path):
    living = pending(tmp_path / "a", b"first")
    (part,) = tmp_path.iterdir()
    other = pending(tmp_path / "a", b"second")
    assert len(list(tmp_path.iterdir())) == 2  # two that write the same file keep out of each other's way
    living.commit()
    part.write_bytes(b"left by one that was killed")
    third = pending(tmp_path / "a", b"third", overwrite=True)
    assert part.read_bytes() != b"left by one that was killed"
    other.commit()
    third.commit()
    assert [p.name for p in tmp_path.iterdir()] == ["a"] and (tmp_path / "a").read_bytes() == b"third"


def test_a_process_that_leaves_removes_what_is_half_written(tmp_path):
    script = """
import sys, threading
from pellucid.picture import targets
done, half = (targets.PendingFile(f"{sys.argv[1]}/{name}", overwrite=False) for name in "ab")
done.commit()
targets.discard_all()
threading.Thread(target=half.commit, daemon=True).start()  # waits for ever
"""
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, timeout=60)
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
