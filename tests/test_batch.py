"""Many files: pairing, failures, resuming, and what is refused before any work."""

import json
import os
import threading
from pathlib import Path

import pytest

from pellucid.batch import Job, Outcome, plan_jobs, run_jobs
from pellucid.errors import PictureError, ResourceError, UsageError


def is_picture(name: str) -> bool:
    return name.endswith((".png", ".jpg"))


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def copy(job: Job) -> None:
    if "bad" in job.source:
        raise PictureError("damaged", seen=job.source)
    Path(job.target).write_bytes(Path(job.source).read_bytes())


def test_one_file_goes_to_one_file(tmp_path):
    assert plan_jobs(["a.png"], "b.jpg", is_picture=is_picture) == [Job("a.png", "b.jpg")]
    assert plan_jobs(["-"], "-", is_picture=is_picture) == [Job("-", "-")]
    (tmp_path / "folder.png").mkdir()  # a folder stays one whatever its name
    jobs = plan_jobs(["a.png"], str(tmp_path / "folder.png"), is_picture=is_picture)
    assert jobs == [Job("a.png", str(tmp_path / "folder.png" / "a.png"))]


def test_folders_are_mirrored(tmp_path):
    touch(tmp_path / "in/a.jpg", tmp_path / "in/deep/ä b.png", tmp_path / "in/notes.txt")
    jobs = plan_jobs([str(tmp_path / "in")], "out", is_picture=is_picture, suffix=".png")
    assert [j.target for j in jobs] == ["out/a.png", "out/deep/ä b.png"]


def test_neither_what_is_hidden_nor_what_was_written_is_a_source(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    touch(*(Path("in") / name for name in ("a.png", "deep/b.png", ".git/c.png", "._a.png", "deep/out/d.png")))
    touch(Path("in/out/a.png"), Path("in/out/deep/b.png"))
    for source, output in (("in", "in/out"), ("in", "./in/../in/out/"), (".", "in/out"), ("in/**/*.png", "in/out")):
        jobs = plan_jobs([source], output, is_picture=is_picture)
        found = sorted(os.path.relpath(job.source, "in") for job in jobs)
        assert found == ["a.png", "deep/b.png", "deep/out/d.png"], source
    for source in ("in/out", "in/out/**/*.png"):  # but one who names what lies in the output means it
        assert len(plan_jobs([source], "in", is_picture=is_picture, suffix=".jpg")) == 2


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("b/*.jpg", ["x.jpg", "y.jpg"]),
        ("b/*", ["c/x.jpg", "x.jpg", "y.jpg"]),
        ("b/**/*.jpg", ["c/x.jpg", "x.jpg", "y.jpg"]),
        ("b/**", ["c/x.jpg", "x.jpg", "y.jpg"]),
        ("[a-b]/?.jpg", ["b/x.jpg", "b/y.jpg"]),
    ],
)
def test_patterns_are_expanded_and_mirrored_below_what_is_fixed(tmp_path, monkeypatch, pattern, names):
    monkeypatch.chdir(tmp_path)
    touch(*(Path("b") / name for name in ("x.jpg", "y.jpg", "c/x.jpg", "notes.txt", ".hidden.jpg")))
    jobs = plan_jobs([pattern], "out", is_picture=is_picture)
    assert sorted(job.target for job in jobs) == [f"out/{name}" for name in names]
    assert all(os.path.exists(job.source) for job in jobs)
    with pytest.raises(PictureError, match=r"no picture matches the pattern; seen: b/\*.gif"):
        plan_jobs(["b/*.gif"], "out", is_picture=is_picture)


def test_a_file_that_is_called_like_a_pattern_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    touch(Path("[ab].png"), Path("a.png"))
    assert plan_jobs(["[ab].png"], "out.png", is_picture=is_picture) == [Job("[ab].png", "out.png")]


def test_several_folders_are_kept_apart_by_their_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    touch(Path("c1/1.jpg"), Path("c2/1.jpg"), Path("deep/c2/1.jpg"))
    jobs = plan_jobs(["c1/", "c2"], "c3", is_picture=is_picture)
    assert [job.target for job in jobs] == ["c3/c1/1.jpg", "c3/c2/1.jpg"]
    with pytest.raises(UsageError, match="two pictures would become c3/c2/1.jpg.*give each its own output"):
        plan_jobs(["c2", "deep/c2"], "c3", is_picture=is_picture)


def test_what_cannot_be_written_becomes_png(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    touch(Path("in/a.png"), Path("in/a.jpg"), Path("in/b.jpg"))

    def targets(**options):
        return [job.target for job in plan_jobs(["in"], "out", is_picture=is_picture, **options)]

    assert targets(is_writable=lambda name: name.endswith(".png")) == ["out/a.jpg.png", "out/a.png", "out/b.png"]


def test_what_is_refused_before_any_work(tmp_path):
    touch(tmp_path / "a.jpg", tmp_path / "a.png", tmp_path / "other/a.png")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="two pictures would become out/a.png"):
        plan_jobs([str(tmp_path / "a.png"), str(tmp_path / "other/a.png")], "out", is_picture=is_picture)
    with pytest.raises(UsageError, match="two pictures would become"):
        plan_jobs([str(tmp_path)], "out", is_picture=is_picture, suffix=".png")
    with pytest.raises(UsageError, match="would replace itself"):
        plan_jobs([str(tmp_path / "a.png")], str(tmp_path / "a.png"), is_picture=is_picture)
    with pytest.raises(PictureError, match="holds no pictures"):
        plan_jobs([str(tmp_path / "empty")], "out", is_picture=is_picture)
    with pytest.raises(UsageError, match="standard input stands alone"):
        plan_jobs(["-", "a.png"], "out", is_picture=is_picture)
    with pytest.raises(UsageError, match="standard input has no name in a folder"):
        plan_jobs(["-"], str(tmp_path / "out"), is_picture=is_picture)
    with pytest.raises(UsageError, match="standard output takes one picture"):
        plan_jobs(["a.png", "b.png"], "-", is_picture=is_picture)


@pytest.mark.parametrize("sources", [("in",), ("in/a.png", "in/b.png")])
def test_several_pictures_go_into_a_folder_and_nowhere_else(tmp_path, monkeypatch, sources):
    monkeypatch.chdir(tmp_path)
    touch(Path("in/a.png"), Path("in/b.png"), Path("there.txt"))
    for output, said in (("there.txt", "which is a file"), ("out.png", "out.png/ means a folder")):
        with pytest.raises(UsageError, match=said):
            plan_jobs(sources, output, is_picture=is_picture)
    for output in ("out", "out.png/", "version-1.2"):
        jobs = plan_jobs(sources, output, is_picture=is_picture)
        assert [j.target for j in jobs] == [os.path.join(output, name) for name in ("a.png", "b.png")]


def test_a_suffix_that_is_no_pictures_means_a_file_all_the_same(tmp_path):
    assert plan_jobs(["a.png"], "out.heic", is_picture=is_picture) == [Job("a.png", "out.heic")]
    assert plan_jobs(["a.png"], "/dev/null", is_picture=is_picture) == [Job("a.png", "/dev/null")]
    assert plan_jobs(["a.png"], "out", is_picture=is_picture) == [Job("a.png", "out/a.png")]


def test_a_source_that_is_gone_is_for_the_work_to_miss(tmp_path):
    touch(tmp_path / "in/b.png", tmp_path / "out/a.png")
    sources = [str(tmp_path / "in" / name) for name in ("a.png", "b.png")]
    assert len(plan_jobs(sources, str(tmp_path / "out"), is_picture=is_picture)) == 2


def test_only_a_file_is_there_already(tmp_path):
    """A device takes any number of pictures; a folder where a picture belongs is for the work to refuse."""
    (tmp_path / "a.png").mkdir()
    made: list[str] = []
    jobs = [Job("x", "/dev/null"), Job("y", str(tmp_path / "a.png"))]
    assert len(run_jobs(jobs, lambda job: made.append(job.target)).done) == 2 and len(made) == 2


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_batch_tells_how_far_it_came(tmp_path, workers):
    def work(job: Job) -> None:
        if job.source == "5":
            raise KeyboardInterrupt
        if job.source == "2":
            raise PictureError("damaged")

    outcome = Outcome(100)
    with pytest.raises(KeyboardInterrupt):
        run_jobs([Job(str(i), str(tmp_path / str(i))) for i in range(100)], work, outcome, workers=workers)
    told = json.loads(outcome.to_json())
    assert told["pictures"] == 100 and 4 <= len(told["done"]) < 98 and [f["source"] for f in told["failed"]] == ["2"]


@pytest.mark.parametrize("workers", [1, 3])
def test_failures_are_listed_and_the_rest_is_done_and_resumed(tmp_path, workers):
    names = [f"{'bad' if i % 9 == 4 else 'good'}{i}.png" for i in range(50)]
    touch(*(tmp_path / "in" / name for name in names))
    jobs = plan_jobs([str(tmp_path / "in")], str(tmp_path / "out"), is_picture=is_picture)
    finished: list[Job] = []
    outcome = run_jobs(jobs, copy, workers=workers, finished=finished.append)
    bad = sorted(str(tmp_path / "in" / name) for name in names if "bad" in name)
    assert sorted(source for source, _ in outcome.failed) == bad
    assert len(outcome.done) == 50 - len(bad) and not outcome.skipped and len(finished) == 50
    told = json.loads(outcome.to_json())
    assert "damaged" in told["failed"][0]["error"] and told["skipped"] == []
    assert sorted(entry["source"] for entry in told["done"]) == sorted(
        job.source for job in jobs if "bad" not in job.source
    )
    assert all(os.path.exists(entry["target"]) for entry in told["done"])

    again = run_jobs(jobs, copy, workers=workers)
    assert len(again.skipped) == 50 - len(bad) and not again.done and len(again.failed) == len(bad)
    assert len(run_jobs(jobs, copy, overwrite=True).done) == 50 - len(bad)


def test_a_full_disk_ends_the_batch(tmp_path):
    def full(job: Job) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(ResourceError, match="disk is full"):
        run_jobs([Job("a.png", str(tmp_path / "a.png"))], full)


def test_workers_really_run_side_by_side(tmp_path):
    barrier = threading.Barrier(2, timeout=20)
    jobs = [Job(str(i), os.path.join(tmp_path, str(i))) for i in range(2)]
    assert len(run_jobs(jobs, lambda job: void(barrier.wait()), workers=2).done) == 2


def void(_: object) -> None:
    return None
