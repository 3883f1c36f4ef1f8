"""Many files: which become which, going on after a bad one, resuming, and the list of what failed.

It knows names and outcomes, never pictures: the work on one file is a function that the caller brings. Targets are
written under a temporary name and renamed by that function, so a target that exists is a target that is done: that is
how a batch resumes. Nothing is overwritten unless asked, and two sources never share one target.
"""

from __future__ import annotations

import glob
import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
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
    done: list[Job] = field(default_factory=list)
    skipped: list[Job] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)

    def to_json(self) -> str:
        value = {
            "pictures": self.pictures,
            "done": [asdict(job) for job in self.done],
            "skipped": [asdict(job) for job in self.skipped],
            "failed": [{"source": source, "error": error} for source, error in self.failed],
        }
        return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def plan_jobs(
    sources: Sequence[str],
    output: str,
    *,
    is_picture: Callable[[str], bool],
    suffix: str = "",
    is_writable: Callable[[str], bool] = lambda name: True,
) -> list[Job]:
    """Pairs every source with its target.

    Sources are files, folders, patterns (`photos/**/*.jpg`) or "-". With one file as the only source and an output that
    is no folder, the output is that file's target; otherwise the output is a folder and targets mirror the sources'
    places: below their folder, below the fixed beginning of their pattern, and of several folders each below its name.
    Folders are walked in full, but for what is hidden, what is no picture by its name, and the output. `suffix`
    (".png") replaces the sources' own; names that are not `is_writable` become PNG.
    """
    named = [found for source in sources for found in _expanded(source, is_picture, output)]
    if len(named) == 1 and not os.path.isdir(named[0][0]) and not _means_folder(output):
        jobs = [Job(named[0][0], output)]
    else:
        _refuse_as_folder(output, [source for source, _ in named], is_picture)
        files = _files(named, is_picture, output)
        taken = {name for _, name in files}
        jobs = [Job(s, os.path.join(output, _renamed(n, suffix, is_writable, taken))) for s, n in files]
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
                result = outcome.skipped
            else:
                _make_parent(job.target)
                work(job)
                result = outcome.done
            with lock:
                result.append(job)
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


def _expanded(source: str, is_picture: Callable[[str], bool], output: str) -> list[tuple[str, str | None]]:
    """What a source names, each with its name below the output where a pattern gives it one. A file or folder that is
    really called so comes before any pattern."""
    if source == STREAM or os.path.lexists(source) or not glob.has_magic(source):
        return [(source, None)]
    fixed = _fixed(source)
    found = sorted(glob.glob(source, recursive=True))
    if not _is_in(fixed, output):  # what earlier runs wrote is no source
        found = [path for path in found if not _is_in(path, output)]
    folders = [] if "**" in source else [path for path in found if os.path.isdir(path)]  # ** has walked them itself
    named = [path for path in found if path in folders or (is_picture(path) and not os.path.isdir(path))]
    if not named:
        raise PictureError("no picture matches the pattern", seen=source, hint="check it with ls, or name a folder")
    return [(path, os.path.relpath(path, fixed)) for path in named]


def _fixed(pattern: str) -> str:
    """The folder before the first part of a pattern that may vary."""
    folder = os.path.dirname(pattern)
    while glob.has_magic(folder):
        folder = os.path.dirname(folder)
    return folder or os.curdir


def _files(
    sources: Sequence[tuple[str, str | None]], is_picture: Callable[[str], bool], output: str
) -> list[tuple[str, str]]:
    """(path, name below the output folder) of every file, folders in the order of their names."""
    several = sum(os.path.isdir(source) for source, _ in sources) > 1
    found: list[tuple[str, str]] = []
    for source, name in sources:
        if source == STREAM and len(sources) == 1:
            raise UsageError("standard input has no name in a folder", hint="name the picture to write: -o clean.png")
        if source == STREAM:
            raise UsageError("standard input stands alone", seen="other sources beside '-'", expected="one source")
        if not os.path.isdir(source):
            found.append((source, name or os.path.basename(source)))
            continue
        top = name or (os.path.basename(os.path.abspath(source)) if several else os.curdir)
        pictures = [(path, os.path.normpath(os.path.join(top, below))) for path, below in _walked(source, output)]
        pictures = [(path, below) for path, below in pictures if is_picture(path)]
        if not pictures:
            raise PictureError("the folder holds no pictures", seen=source, hint="name a folder with picture files")
        found.extend(pictures)
    return found


def _walked(source: str, output: str) -> Iterator[tuple[str, str]]:
    """(path, name below the folder) of every file that is not hidden; what earlier runs wrote is no source."""
    written = os.path.realpath(output)
    for folder, folders, names in os.walk(source):
        inner = [name for name in sorted(folders) if not name.startswith(".")]
        folders[:] = [name for name in inner if os.path.realpath(os.path.join(folder, name)) != written]
        below = os.path.relpath(folder, source)
        for name in sorted(names):
            if not name.startswith("."):  # ._photo.jpg is what macOS notes about photo.jpg
                yield os.path.join(folder, name), os.path.join(below, name)


def _is_in(path: str, output: str) -> bool:
    """Whether a path is the output folder or below it."""
    output = os.path.realpath(output)
    return os.path.commonpath([output, os.path.realpath(path)]) == output


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


def _renamed(name: str, suffix: str, is_writable: Callable[[str], bool], taken: set[str]) -> str:
    """A target's name: with the suffix that was asked for, else its own, else PNG's beside or behind its own."""
    if suffix:
        return str(Path(name).with_suffix(suffix))
    if is_writable(name):
        return name
    as_png = str(Path(name).with_suffix(".png"))
    return f"{name}.png" if as_png in taken else as_png


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
                hint="give each its own output, or name their folders, which are kept apart by name; see --format too",
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
