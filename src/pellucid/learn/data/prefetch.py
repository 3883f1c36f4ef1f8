"""Batches made ahead of time in a thread, and how long the trainer waited for them all the same.

The thread computes on one processor core: a second team of threads beside the trainer's would fight it for the cores.
The order is that of the steps, so prefetching changes nothing but the time.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

import torch

from pellucid.errors import UsageError

Made = TypeVar("Made")


class Prefetched(Generic[Made]):
    """`next()` gives `make(first)`, ..., in order; up to `ahead` of them are ready. Close it, or use `with`."""

    def __init__(self, make: Callable[[int], Made], first: int = 0, *, ahead: int = 4) -> None:
        if ahead < 1:
            raise UsageError("nothing would be made ahead", seen=ahead, expected="1 or more")
        self._make, self._next = make, first
        self._ready: queue.Queue[tuple[Made | None, BaseException | None]] = queue.Queue(maxsize=ahead)
        self._stopping = threading.Event()
        self._started: float | None = None
        self._waited = 0.0
        self._thread = threading.Thread(target=self._run, name="prefetch", daemon=True)
        threads, settled = torch.get_num_threads(), threading.Event()
        self._settled = settled
        self._thread.start()
        settled.wait()
        torch.set_num_threads(threads)  # the thread keeps its own number, new threads take ours

    def __enter__(self) -> Prefetched[Made]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Prefetched[Made]:
        return self

    def __next__(self) -> Made:
        asked = time.perf_counter()
        self._started = asked if self._started is None else self._started
        made, error = self._ready.get()
        self._waited += time.perf_counter() - asked
        if error is not None:
            self._ready.put((None, error))  # asked again, it answers the same
            raise error
        return made  # type: ignore[return-value]

    def pause(self, seconds: float) -> None:
        """Takes time in which nobody wanted a batch out of the account."""
        if self._started is not None:
            self._started += seconds

    @property
    def waited_share(self) -> float:
        """The share of the time since the first `next()`, less pauses, that was spent waiting for a batch, 0 to 1."""
        if self._started is None:
            return 0.0
        return self._waited / max(time.perf_counter() - self._started, 1e-9)

    def close(self) -> None:
        """Ends the thread; batches made ahead are dropped."""
        self._stopping.set()
        while self._thread.is_alive():
            with contextlib.suppress(queue.Empty):
                self._ready.get(timeout=0.01)  # makes room for a `put` that waits

    def _run(self) -> None:
        torch.set_num_threads(1)
        self._settled.set()
        step = self._next
        while not self._stopping.is_set():
            try:
                self._ready.put((self._make(step), None))
            except BaseException as error:  # noqa: BLE001 - the trainer gets it, whatever it is
                self._ready.put((None, error))
                return
            step += 1
