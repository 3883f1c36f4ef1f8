"""Several processes that work through a list, with bounded memory and a clean end.

Processes are spawned, not forked: libvips has threads, and a copy of a process with threads is broken. They leave
Ctrl-C to their parent and end when it is gone, even when it was killed and could tell them nothing.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from pellucid.errors import ResourceError, UsageError

Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers:
    """`jobs` processes, or none of our own where one is enough. Use it in a `with` statement."""

    def __init__(self, jobs: int) -> None:
        if jobs < 1:
            raise UsageError("too few processes", seen=jobs, expected="1 or more")
        self.jobs = jobs
        spawn = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_settle) if jobs > 1 else None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def each(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """The results in whatever order they are ready. Only a few items per process are under way at a time."""
        if self._pool is None:
            yield from map(work, items)
            return
        under_way: set[Future[Result]] = set()
        try:
            for item in items:
                under_way.add(self._pool.submit(work, item))
                if len(under_way) >= 2 * self.jobs:
                    ready, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in ready)
            yield from (future.result() for future in under_way)
        except BrokenProcessPool as error:
            raise ResourceError(
                "a worker process was killed", hint="memory may have run out: repeat the command with fewer --jobs"
            ) from error


def _settle() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
