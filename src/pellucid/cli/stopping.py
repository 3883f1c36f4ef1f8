"""How a batch of pictures ends before its end: Ctrl-C, a terminal that closes, a system that shuts down.

The work is done in a thread of its own, so that a signal interrupts nothing but waiting: raised in the midst of a
decoder's callback or of a `join`, KeyboardInterrupt became a damaged picture, a traceback, or a thread torn out of the
engine. The work is told to stop and does so at its next block; if it cannot, it is left behind, and what is
half-written is removed without it. Signals that come close upon the first mean the same.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Any, NoReturn

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
PATIENCE = 3.0
"""Seconds that the work has to come to its next block."""
SAME_WISH = 1.0
"""Seconds in which another signal is the same impatience; a later one does not wait for the work."""

GLANCE = 0.1
"""Seconds between looks: the system may hand a signal to any thread, and then it does not end this one's wait."""

News = SimpleQueue[BaseException | int | None]
"""What is waited for: a signal's number, the work's error, or None for its end. Signal handlers may put into it."""


class Interrupted(BaseException):
    """A signal ended the work; `code` is what the command returns then, as shells have it. No KeyboardInterrupt, which
    click makes an abort without a cause, with an empty line to a terminal that may have gone."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.code = 128 + number


def until_stopped(work: Callable[[Callable[[], None]], None], leaving: Callable[[], None]) -> None:
    """Does `work(look_up)`, which calls `look_up` as often as it can bear: after a signal that raises.

    Then it raises Interrupted. `leaving` is called before the process ends without the work.
    """
    news: News = SimpleQueue()
    stop = threading.Event()

    def look_up() -> None:
        if stop.is_set():
            raise KeyboardInterrupt

    def done() -> None:
        try:
            work(look_up)
            news.put(None)
        except BaseException as error:  # handed over to the caller's thread, whole
            news.put(error)

    with _heard(news):
        threading.Thread(target=done, name="pictures", daemon=True).start()
        found = _next(news)
        if isinstance(found, int):
            stop.set()
            if not _ended(news):
                _leave(found, leaving)
            _deaf()
            raise Interrupted(found)
    if found is not None:
        raise found


@contextlib.contextmanager
def _heard(news: News) -> Iterator[None]:
    """Signals as news; those that were ignored stay so, which is how `nohup` and shells' background work."""
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, lambda heard, frame: news.put(int(heard)))
    try:
        yield
    except Interrupted:
        raise  # nothing is heard any more
    except BaseException:
        _restore(before)
        raise
    _restore(before)


def _restore(before: dict[int, Any]) -> None:
    for number, handler in before.items():
        signal.signal(number, handler)


def _ended(news: News) -> bool:
    """Whether the work ends in time, and before patience does."""
    began = time.monotonic()
    while True:
        try:
            found = _next(news, began + PATIENCE)
        except Empty:
            return False
        if not isinstance(found, int):
            return True
        if time.monotonic() - began > SAME_WISH:
            return False


def _next(news: News, until: float = float("inf")) -> BaseException | int | None:
    while True:
        try:
            return news.get(timeout=GLANCE)
        except Empty:
            if time.monotonic() > until:
                raise


def _deaf() -> None:
    """The process is about to end: what comes now would only disturb it."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _leave(number: int, leaving: Callable[[], None]) -> NoReturn:
    """Ends the process as it stands: threads in the engine are neither waited for nor torn out."""
    from pellucid.picture.targets import discard_all

    _deaf()
    discard_all()
    with contextlib.suppress(Exception):
        leaving()
        print("pellucid: interrupted; nothing half-written was left", file=sys.stderr, flush=True)
    os._exit(128 + number)
