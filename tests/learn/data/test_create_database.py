"""createdb's promises: the same bytes for any number of processes and any interruption; honest refusals."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from pellucid.errors import DatabaseError, ResourceError
from pellucid.learn.data import create_database as module
from pellucid.learn.data.create_database import create_database
from pellucid.learn.data.database import open_database
from pellucid.learn.data.database_plan import DatabaseOptions
from pellucid.learn.data.detail import detail
from pellucid.learn.data.source_pictures import decode, shrunk
from tests.learn.data.photographs import save, speckled

OPTIONS = DatabaseOptions(crop=24, count=300, val=0.2, seed=11)


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_the_bytes_are_the_same_for_one_process_and_two(photos, tmp_path):
    one = create_database([photos], tmp_path / "one.db", OPTIONS, jobs=1)
    two = create_database([photos], tmp_path / "two.db", OPTIONS, jobs=2)
    assert hashes(one.path) == hashes(two.path)
    assert set(hashes(one.path)) == {"crops.npy", "header.json", "index.npy"}
    assert open_database(one.path).fingerprint == open_database(two.path).fingerprint
    assert not list(tmp_path.glob("*.part"))


KILLED = """
import multiprocessing, os, signal, sys
from pellucid.learn.data import cut_crops
from pellucid.learn.data.create_database import create_database
from pellucid.learn.data.database_plan import DatabaseOptions

photos, output, jobs, stage, after = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5])

def die():
    print(*[child.pid for child in multiprocessing.active_children()], flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

def progress(now, done, total):
    if now == stage and done >= after:
        die()

writes = 0
def write(self, i, item, plain=cut_crops.ArrayFile.write):
    global writes
    writes += 1
    if stage == "writing" and writes > after:
        plain(self, i, item[: len(item) // 2])  # half of it arrives
        die()
    plain(self, i, item)

cut_crops.ArrayFile.write = write
create_database([photos], output, DatabaseOptions(crop=24, count=300, val=0.2, seed=11), jobs=jobs, progress=progress)
"""


@pytest.mark.parametrize(
    ("jobs", "stage", "after"),
    [
        (2, module.EXAMINING, 2),
        (2, module.CUTTING, 1),
        (1, module.CUTTING, 150),
        (1, "writing", 100),  # in the middle of a crop
        (1, "writing", 301),  # in the middle of a row of the index
    ],
)
def test_killed_and_repeated_gives_the_same_bytes(photos, tmp_path, jobs, stage, after):
    output = tmp_path / "crops.db"
    command = [sys.executable, "-c", KILLED, str(photos), str(output), str(jobs), stage, str(after)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    killed = subprocess.run(command, env=environment, capture_output=True, timeout=100)  # a worker holds the pipes, too
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert not output.exists() and (tmp_path / "crops.db.part").exists()
    with pytest.raises(DatabaseError, match="unfinished"):
        open_database(output)
    assert _all_end([int(pid) for pid in killed.stdout.split()])
    resumed = create_database([photos], output, OPTIONS, jobs=1)
    unbroken = create_database([photos], tmp_path / "unbroken.db", OPTIONS, jobs=1)
    assert hashes(resumed.path) == hashes(unbroken.path)
    assert not list(tmp_path.glob("*.part"))


def _all_end(processes: list[int]) -> bool:
    """Whether worker processes whose parent was killed end by themselves."""
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{process}").exists() for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_what_was_done_before_an_interruption_is_not_done_again(photos, tmp_path, monkeypatch):
    def interrupt(stage: str, done: int, total: int) -> None:
        if stage == module.CUTTING and done > 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        create_database([photos], tmp_path / "crops.db", OPTIONS, jobs=1, progress=interrupt)
    written, examined = [], []
    from pellucid.learn.data import cut_crops

    plain, examine = cut_crops.ArrayFile.write, module.examine
    monkeypatch.setattr(cut_crops.ArrayFile, "write", lambda self, i, item: (written.append(i), plain(self, i, item)))
    monkeypatch.setattr(module, "examine", lambda *given: (examined.append(given), examine(*given))[1])
    create_database([photos], tmp_path / "crops.db", OPTIONS, jobs=1)
    assert 0 < len(written) < 2 * (OPTIONS.count - 100)  # each crop and its row of the index
    assert not examined


def test_a_picture_that_changed_between_calls_starts_the_crops_anew(photos, tmp_path):
    def interrupt(stage: str, done: int, total: int) -> None:
        if stage == module.CUTTING and done == total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        create_database([photos], tmp_path / "crops.db", OPTIONS, jobs=1, progress=interrupt)
    save(photos / "a.png", speckled(70, 70, 77))
    made = create_database([photos], tmp_path / "crops.db", OPTIONS, jobs=1)
    assert hashes(made.path) == hashes(create_database([photos], tmp_path / "new.db", OPTIONS, jobs=1).path)


@pytest.mark.parametrize(("shrink", "min_detail"), [(1, 0.0), (2, 0.0), (1, 57.0)])
def test_every_crop_is_what_the_index_says(photos, tmp_path, shrink, min_detail):
    options = DatabaseOptions(crop=16, count=200, val=0.2, shrink=shrink, min_detail=min_detail)
    database = open_database(create_database([photos], tmp_path / "crops.db", options, jobs=1).path)
    assert database.train.shape == (160, 16, 16, 3) and database.val.shape == (40, 16, 16, 3)
    crops = np.concatenate([database.train, database.val])
    sources = {name: shrunk(decode(str(tmp_path / name)), shrink) for name in database.pictures}
    for crop, (picture, y, x, crc) in zip(crops, database.index.tolist(), strict=True):
        assert np.array_equal(crop, sources[database.pictures[picture]][y : y + 16, x : x + 16])
        assert zlib.crc32(crop.tobytes()) == crc
        assert detail(crop) >= min_detail
    parts = [picture["part"] for picture in database.header["pictures"]]
    assert {parts[i] for i in database.index["picture"][:160]} == {"train"}
    assert {parts[i] for i in database.index["picture"][160:]} == {"val"}
    database.verify()


def test_moved_photographs_make_the_same_database(photos, tmp_path):
    first = create_database([photos], tmp_path / "one.db", OPTIONS, jobs=1)
    (tmp_path / "elsewhere").mkdir()
    moved = photos.rename(tmp_path / "elsewhere" / "photos")
    assert hashes(first.path) == hashes(create_database([moved], tmp_path / "two.db", OPTIONS, jobs=1).path)


def test_broken_pictures_are_listed(photos, tmp_path):
    outcome = create_database([photos], tmp_path / "crops.db", OPTIONS, jobs=1)
    assert [name for name, _ in outcome.skipped] == ["photos/broken.png"]
    assert str(tmp_path) not in (outcome.path / "header.json").read_text()


def test_a_finished_database_is_left_alone(photos, tmp_path):
    first = create_database([photos], tmp_path / "crops.db", OPTIONS, jobs=1)
    before = {path: path.stat().st_mtime_ns for path in first.path.iterdir()}
    again = create_database([photos], tmp_path / "crops.db", OPTIONS, jobs=1)
    assert again.was_finished and not first.was_finished
    assert {path: path.stat().st_mtime_ns for path in first.path.iterdir()} == before


def test_other_options_or_pictures_are_refused(photos, tmp_path):
    output = tmp_path / "crops.db"
    create_database([photos], output, OPTIONS, jobs=1)
    with pytest.raises(DatabaseError, match="other options; seen: crop 24; expected: crop 32; hint: .*-o"):
        create_database([photos], output, DatabaseOptions(crop=32, count=300, val=0.2, seed=11), jobs=1)
    save(photos / "new.png", speckled(50, 50, 5))
    with pytest.raises(DatabaseError, match="other pictures; seen: 1 new, photos/new.png"):
        create_database([photos], output, OPTIONS, jobs=1)


def test_an_unfinished_database_of_other_options_is_refused(photos, tmp_path):
    def interrupt(stage: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        create_database([photos], tmp_path / "crops.db", OPTIONS, jobs=1, progress=interrupt)
    with pytest.raises(DatabaseError, match="other options; seen: seed 11; expected: seed 12"):
        create_database([photos], tmp_path / "crops.db", DatabaseOptions(crop=24, count=300, val=0.2, seed=12), jobs=1)


def test_a_folder_that_is_no_database_is_left_alone(photos, tmp_path):
    with pytest.raises(DatabaseError, match="not a crop database"):
        create_database([photos], photos, OPTIONS, jobs=1)
    assert (photos / "a.png").exists()


def test_a_disk_without_room_is_said_before_the_work(photos, tmp_path):
    started = []
    with pytest.raises(ResourceError, match="no room.*seen: .* GB free; expected: .* GB"):
        create_database(
            [photos],
            tmp_path / "crops.db",
            DatabaseOptions(crop=4096, count=2**32 - 1),
            jobs=1,
            progress=lambda stage, done, total: started.append(stage),
        )
    assert not started


def test_two_processes_cannot_make_one_database(photos, tmp_path):
    part = tmp_path / "crops.db.part"
    with module._writing(part), module._locked(part), pytest.raises(DatabaseError, match="another process"):
        create_database([photos], tmp_path / "crops.db", OPTIONS, jobs=1)


def test_a_place_that_cannot_be_written_is_said(photos, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseError, match="cannot be written"):
        create_database([photos], tmp_path / "file" / "crops.db", OPTIONS, jobs=1)


def test_a_worker_that_is_killed_is_said():
    from pellucid.learn.data.workers import Workers

    with pytest.raises(ResourceError, match="killed.*--jobs"), Workers(2) as workers:
        list(workers.each(os._exit, [3]))


def test_the_header_says_what_made_it(photos, tmp_path):
    header = json.loads(
        (create_database([photos], tmp_path / "c.db", OPTIONS, jobs=1).path / "header.json").read_text()
    )
    assert header["options"] == {"crop": 24, "count": 300, "shrink": 1, "val": 0.2, "seed": 11, "min_detail": 0.0}
    assert set(header["made_by"]) == {"pellucid", "pyvips-binary"}
    assert all(len(picture["sha256"]) == 64 for picture in header["pictures"])
