"""States are files that are whole or refused."""

import os

import pytest

torch = pytest.importorskip("torch")

from pellucid.errors import ResourceError, TrainingError  # noqa: E402
from pellucid.learn.training import checkpoints  # noqa: E402
from pellucid.learn.training.checkpoints import (  # noqa: E402
    checkpoints_of,
    newest_good,
    read_state,
    save_snapshot,
    write_checkpoint,
)


def state(step, size=3):
    return {"step": step, "network": {"weights": torch.arange(float(size))}}


def test_the_newest_two_are_kept(tmp_path):
    for step in (5, 10, 15):
        write_checkpoint(tmp_path, state(step))
    assert [read_state(path)["step"] for path in checkpoints_of(tmp_path)] == [15, 10]


def test_what_lies_beyond_a_damaged_one_goes(tmp_path):
    for step in (5, 10):
        write_checkpoint(tmp_path, state(step))
    (tmp_path / "step_000000010.state").write_bytes(b"")
    write_checkpoint(tmp_path, state(7))
    assert [read_state(path)["step"] for path in checkpoints_of(tmp_path)] == [7, 5]


@pytest.mark.parametrize("place", ["format", "sum", "state"])
def test_every_damage_is_seen(tmp_path, place):
    path = write_checkpoint(tmp_path, state(5))
    content = bytearray(path.read_bytes())
    content[{"format": 3, "sum": 30, "state": 200}[place]] ^= 1
    path.write_bytes(content)
    with pytest.raises(TrainingError, match="damaged|not a training state"):
        read_state(path)
    assert newest_good(tmp_path) == (None, [path])


def test_nothing_in_a_file_is_executed(tmp_path):
    ran = tmp_path / "ran"

    class Harmful:
        def __reduce__(self):
            return os.mkdir, (str(ran),)

    write_checkpoint(tmp_path, {"step": 1, "harm": Harmful()})
    with pytest.raises(TrainingError, match="other things than tensors and plain values"):
        read_state(tmp_path / "step_000000001.state")
    assert not ran.exists()


def test_a_full_disk_leaves_the_last_one(tmp_path, monkeypatch):
    write_checkpoint(tmp_path, state(5))

    def full(*names):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints.os, "replace", full)
    with pytest.raises(ResourceError, match="the disk is full"):
        write_checkpoint(tmp_path, state(10))
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["step_000000005.state"]


def test_a_snapshot_has_a_size_limit(tmp_path):
    write_checkpoint(tmp_path / "checkpoints", state(5, size=3 * 2**20))
    with pytest.raises(TrainingError, match=r"too large for a snapshot; seen: 12.6 MB; expected: at most 8 MB"):
        save_snapshot(tmp_path, tmp_path / "large.state")
    assert not (tmp_path / "large.state").exists()


def test_a_snapshot_replaces_nothing_but_snapshots(tmp_path):
    write_checkpoint(tmp_path / "checkpoints", state(5))
    letter = tmp_path / "letter.txt"
    letter.write_text("dear")
    with pytest.raises(TrainingError, match="not a training state"):
        save_snapshot(tmp_path, letter)
    assert letter.read_text() == "dear"
    for _ in range(2):
        assert save_snapshot(tmp_path, tmp_path / "a.state")["step"] == 5


def test_where_there_is_nothing_to_save(tmp_path):
    with pytest.raises(TrainingError, match="there is no checkpoint"):
        save_snapshot(tmp_path / "absent", tmp_path / "a.state")
