"""`create_database`: photographs in, a crop database out.

All work happens in `NAME.part`; the finished folder gets its name in one step. The same call goes on where an earlier
one was stopped, however it was stopped: pictures already examined are remembered in a list that only grows, crops
already cut are known by their checksums. The bytes are the same for any number of processes.
"""

from __future__ import annotations

import errno
import fcntl
import functools
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.errors import DatabaseError, ResourceError
from pellucid.learn.data.cut_crops import Piece, cut
from pellucid.learn.data.database import CROPS, HEADER, INDEX, INDEX_TYPE, open_database
from pellucid.learn.data.database_plan import DatabaseOptions, Plan, make_plan
from pellucid.learn.data.source_pictures import SourceFile, SourcePicture, examine, find_files
from pellucid.learn.data.workers import Workers

REQUEST, EXAMINED, LOCK, UNNAMED = "request.json", "examined.jsonl", "lock", "made"
EXAMINING, CUTTING = "reading pictures", "cutting crops"

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True)
class Outcome:
    """What became of a call: the database, and whether it was there already."""

    path: Path
    header: dict[str, Any]
    was_finished: bool

    @property
    def skipped(self) -> list[tuple[str, str]]:
        """(name, reason) of every picture that was left out."""
        return [(entry["name"], entry["reason"]) for entry in self.header["skipped"]]


def create_database(
    photos: Sequence[str | Path],
    output: str | Path,
    options: DatabaseOptions | None = None,
    *,
    jobs: int | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> Outcome:
    """Cuts crops from the photographs (files, or folders in full) into the folder `output`. [C1]

    With several jobs (one per processor unless told) a script that calls this needs the usual
    `if __name__ == "__main__":`, because worker processes import it.
    """
    options, output = options or DatabaseOptions(), Path(output)
    files = find_files(photos)
    request = {"options": asdict(options), "pictures": sorted(file.name for file in files)}
    part = output.with_name(output.name + ".part")
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        header = open_database(output).header
        _refuse_difference(output, _request_of(header), request)
        shutil.rmtree(part, ignore_errors=True)
        return Outcome(output, header, was_finished=True)
    with _writing(part), _locked(part):
        _begin(part, output, request)
        _check_disk(part, options)
        with Workers(jobs or len(os.sched_getaffinity(0))) as workers:
            examined = _examine_all(part, files, options, workers, progress)
            try:
                plan = make_plan(options, examined)
            except DatabaseError:  # there is nothing to go on with
                shutil.rmtree(part)
                raise
            _prepare(part / UNNAMED, plan, options)
            _cut_all(part / UNNAMED, plan, options, workers, progress)
        os.rename(part / UNNAMED, output)
        shutil.rmtree(part)
    return Outcome(output, plan.header, was_finished=False)


def _request_of(header: dict[str, Any]) -> dict[str, Any]:
    names = [entry["name"] for entry in header["pictures"] + header["skipped"]]
    return {"options": header["options"], "pictures": sorted(names)}


def _refuse_difference(place: Path, there: dict[str, Any], asked: dict[str, Any]) -> None:
    """A database of other crops is neither overwritten nor continued."""
    hint = f"name another folder with -o, or delete {place}"
    changed = [name for name, value in asked["options"].items() if there["options"].get(name) != value]
    if changed:
        raise DatabaseError(
            f"{place} was made with other options",
            seen=", ".join(f"{name} {there['options'].get(name)}" for name in changed),
            expected=", ".join(f"{name} {asked['options'][name]}" for name in changed),
            hint=hint,
        )
    if there["pictures"] != asked["pictures"]:
        new = sorted(set(asked["pictures"]) - set(there["pictures"]))
        gone = sorted(set(there["pictures"]) - set(asked["pictures"]))
        seen = "; ".join(f"{len(names)} {word}, {names[0]}" for names, word in ((gone, "gone"), (new, "new")) if names)
        raise DatabaseError(f"{place} was made from other pictures", seen=seen or "another number of copies", hint=hint)


@contextmanager
def _writing(part: Path) -> Iterator[None]:
    """Turns what the system says about writing into one line."""
    try:
        part.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ResourceError("the disk is full", seen=part, hint="free some space and repeat the command") from error
        raise DatabaseError("the database cannot be written", seen=f"{part}: {error.strerror}") from error


@contextmanager
def _locked(part: Path) -> Iterator[None]:
    with open(part / LOCK, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DatabaseError("another process is making this database", seen=part) from None
        yield


def _begin(part: Path, output: Path, request: dict[str, Any]) -> None:
    """Writes down what was asked, or compares it with what an interrupted call was asked."""
    if (part / REQUEST).exists():
        _refuse_difference(part, json.loads((part / REQUEST).read_text()), request)
    else:
        _write(part / REQUEST, json.dumps(request, ensure_ascii=False).encode())


def _check_disk(part: Path, options: DatabaseOptions) -> None:
    """Refuses before the work begins what would fail in its middle."""
    needed = options.count * (3 * options.crop**2 + INDEX_TYPE.itemsize) + 2**20
    there = sum(path.stat().st_blocks * 512 for path in part.rglob("*") if path.is_file())
    free = shutil.disk_usage(part).free + there
    if needed > free:
        raise ResourceError(
            "the disk has no room for the database",
            seen=f"{free / 1e9:.1f} GB free",
            expected=f"{needed / 1e9:.1f} GB for {options.count} crops of {options.crop} x {options.crop}",
            hint="fewer crops with --count, smaller ones with --crop, or another disk with -o",
        )


def _examine_all(
    part: Path, files: Sequence[SourceFile], options: DatabaseOptions, workers: Workers, progress: Progress
) -> list[tuple[SourceFile, SourcePicture | str]]:
    """What every file is, from the list of an interrupted call where it is still the same file."""
    known = _read_lines(part / EXAMINED)
    results = [(file, known[key]) for file in files if (key := _identity(file)) in known]
    missing = [file for file in files if _identity(file) not in known]
    work = functools.partial(_examine, options=options)
    progress(EXAMINING, len(results), len(files))
    with open(part / EXAMINED, "ab", buffering=0) as lines:
        for file, result in workers.each(work, missing):
            value = result if isinstance(result, str) else asdict(result)
            lines.write(b"\n" + json.dumps([_identity(file), value]).encode())  # first ends a line that broke off
            results.append((file, result))
            progress(EXAMINING, len(results), len(files))
    return results


def _examine(file: SourceFile, options: DatabaseOptions) -> tuple[SourceFile, SourcePicture | str]:
    return file, examine(file, options.crop, options.shrink, options.min_detail)


def _identity(file: SourceFile) -> str:
    try:
        status = os.stat(file.path)
    except OSError:  # a broken link: `examine` will say so
        return f"{file.name} {file.path}"
    return f"{file.name} {file.path} {status.st_size} {status.st_mtime_ns}"


def _read_lines(path: Path) -> dict[str, SourcePicture | str]:
    known: dict[str, SourcePicture | str] = {}
    for line in path.read_bytes().splitlines() if path.exists() else []:
        try:
            identity, value = json.loads(line)
        except ValueError:  # the line that was being written when the process was killed
            continue
        known[identity] = value if isinstance(value, str) else SourcePicture(**value)
    return known


def _prepare(folder: Path, plan: Plan, options: DatabaseOptions) -> None:
    """Makes both arrays at full size, so that a lack of space shows now; keeps those of the same plan."""
    if (folder / HEADER).exists() and (folder / HEADER).read_bytes() == plan.header_text:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    _allocate(folder / CROPS, (options.count, options.crop, options.crop, 3), np.dtype(np.uint8))
    _allocate(folder / INDEX, (options.count,), INDEX_TYPE)
    _write(folder / HEADER, plan.header_text)


def _allocate(path: Path, shape: tuple[int, ...], dtype: np.dtype) -> None:
    np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)  # the npy header; the array is let go at once
    with open(path, "r+b") as file:
        os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size)


def _cut_all(folder: Path, plan: Plan, options: DatabaseOptions, workers: Workers, progress: Progress) -> None:
    pieces = (
        Piece(
            folder=folder,
            file=plan.files[picture],
            picture=picture,
            sha256=plan.header["pictures"][picture]["sha256"],
            places=places,
            crop=options.crop,
            shrink=options.shrink,
            min_detail=options.min_detail,
            seed=options.seed,
        )
        for picture, places in plan.pieces()
    )
    done = 0
    progress(CUTTING, done, options.count)
    for crops in workers.each(cut, pieces):
        done += crops
        progress(CUTTING, done, options.count)


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(path.name + ".new")
    temporary.write_bytes(content)
    os.replace(temporary, path)
