"""Many files: which become which, going on after a bad one, resuming, and the list of what failed.

It knows names and outcomes, never pictures: the work on one file is a function that the caller brings. Targets are
written under a temporary name and renamed by that function, so a target that exists is a target that is done: that is
how a batch resumes. Nothing is overwritten unless asked, and two sources never share one target.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from pellucid.errors import PellucidError, PictureError, ResourceError, UsageError

STREAM = "-"
"""The name of standard input and standard output."""


@dataclass(frozen=True)
class Job:
    """One file to make from another."""

    source: str
    target: str


@dataclass
class Outcome:
    """What became of a batch of so many pictures; those that are in no list were not reached."""

    pictures: int = 0
    done: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)

    def to_json(self) -> str:
        failed = [{"source": source, "error": error} for source, error in self.failed]
        value = {"pictures": self.pictures, "done": len(self.done), "skipped": len(self.skipped), "failed": failed}
        return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def plan_jobs(sources: Sequence[str], output: str, *, is_picture: Callable[[str], bool], suffix: str = "") -> list[Job]:
    """Pairs every source with its target.

    Sources are files, folders (walked in full; names that are no picture's are passed over) or "-". With one file as
    the only source and an output that is no folder, the output is that file's target; otherwise the output is a folder
    and targets mirror the sources' places. `suffix` (".png") replaces the sources' own.
    """
    if len(sources) == 1 and not os.path.isdir(sources[0]) and not _means_folder(output):
        jobs = [Job(sources[0], output)]
    else:
        _refuse_as_folder(output, sources, is_picture)
        jobs = [Job(s, os.path.join(output, _renamed(n, suffix))) for s, n in _files(sources, is_picture)]
    _refuse_collisions(jobs)
    return jobs


def run_jobs(
    jobs: Sequence[Job],
    work: Callable[[Job], None],
    outcome: Outcome | None = None,
    *,
    workers: int = 1,
    overwrite: bool = False,
    finished: Callable[[Job], None] = lambda job: None,
) -> Outcome:
    """Does every job that is not done yet, going on after failures. Only an interruption or a full disk ends it early.

    `outcome` grows with the work, so that who brings it knows how far it came. `finished` is called, from one thread
    at a time, for each job however it ended.
    """
    outcome, lock = Outcome(len(jobs)) if outcome is None else outcome, threading.Lock()

    def attempt(job: Job) -> None:
        try:
            if not overwrite and _is_made(job.target):
                result, entry = outcome.skipped, job.source
            else:
                _make_parent(job.target)
                work(job)
                result, entry = outcome.done, job.source
            with lock:
                result.append(entry)
        except (PellucidError, OSError, MemoryError) as error:
            if isinstance(error, OSError) and error.errno == 28:  # every further file would fail the same way
                raise ResourceError("the disk is full", seen=job.target, hint="free some space and repeat") from error
            with lock:
                outcome.failed.append((job.source, str(error) or type(error).__name__))
        finally:
            with lock:
                finished(job)

    if workers == 1:
        for job in jobs:
            attempt(job)
    else:
        _in_parallel(jobs, attempt, workers)
    return outcome


def _in_parallel(jobs: Iterable[Job], attempt: Callable[[Job], None], workers: int) -> None:
    """A few jobs ahead and no more, so that an interruption does not wait for thousands of queued ones."""
    with ThreadPoolExecutor(workers) as pool:
        pending: set[Future[None]] = set()
        for job in jobs:
            pending.add(pool.submit(attempt, job))
            if len(pending) >= 2 * workers:
                ended, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in ended:
                    future.result()
        for future in pending:
            future.result()


def _files(sources: Sequence[str], is_picture: Callable[[str], bool]) -> list[tuple[str, str]]:
    """(path, name below the output folder) of every file, folders in the order of their names."""
    found: list[tuple[str, str]] = []
    for source in sources:
        if source == STREAM and len(sources) == 1:
            raise UsageError("standard input has no name in a folder", hint="name the picture to write: -o clean.png")
        if source == STREAM:
            raise UsageError("standard input stands alone", seen="other sources beside '-'", expected="one source")
        if not os.path.isdir(source):
            found.append((source, os.path.basename(source)))
            continue
        before = len(found)
        for folder, folders, names in os.walk(source):
            folders.sort()
            below = os.path.relpath(folder, source)
            paths = [(os.path.join(folder, n), os.path.normpath(os.path.join(below, n))) for n in sorted(names)]
            found.extend((path, name) for path, name in paths if is_picture(path))
        if len(found) == before:
            raise PictureError("the folder holds no pictures", seen=source, hint="name a folder with picture files")
    return found


def _means_folder(output: str) -> bool:
    """One that is there, one that ends as folders do, or a new name without a suffix."""
    if output == STREAM or os.path.isdir(output) or output.endswith(os.sep):
        return output != STREAM
    return not os.path.exists(output) and not os.path.splitext(output)[1]


def _refuse_as_folder(output: str, sources: Sequence[str], is_picture: Callable[[str], bool]) -> None:
    """Pictures that cannot lie in `output` are refused at once, rather than one by one."""
    if output == STREAM:
        raise UsageError("standard output takes one picture", seen=f"{len(sources)} sources", expected="one file")
    if os.path.isdir(output) or output.endswith(os.sep):
        return
    if os.path.exists(output):
        raise UsageError("pictures go into a folder", seen=f"{output}, which is a file", hint="name another output")
    if is_picture(output):
        raise UsageError("pictures go into a folder", seen=output, hint=f"{output}{os.sep} means a folder of this name")


def _is_made(target: str) -> bool:
    """Whether there is a file already; a device or a pipe takes any number of pictures."""
    return target != STREAM and (os.path.isfile(target) or os.path.islink(target))


def _renamed(name: str, suffix: str) -> str:
    return str(Path(name).with_suffix(suffix)) if suffix else name


def _refuse_collisions(jobs: Sequence[Job]) -> None:
    targets: dict[str, str] = {}
    for job in jobs:
        if job.target == STREAM:
            continue
        target = os.path.abspath(job.target)
        if os.path.exists(job.source) and os.path.exists(target) and os.path.samefile(job.source, target):
            raise UsageError("a picture would replace itself", seen=job.source, hint="name another output")
        if target in targets:
            raise UsageError(
                f"two pictures would become {job.target}",
                seen=f"{targets[target]} and {job.source}",
                hint="put them into folders of their own, or leave out --format",
            )
        targets[target] = job.source


def _make_parent(target: str) -> None:
    parent = os.path.dirname(target)
    if not parent or target == STREAM:
        return
    try:
        os.makedirs(parent, exist_ok=True)
    except OSError as error:
        raise PictureError("the output folder cannot be made", seen=f"{parent}: {error.strerror}") from None
