"""libvips as this package uses it: quiet, without caches, with one thread of its own, its complaints as one line."""

from __future__ import annotations

import functools
import os
import re
import sys
import threading
from types import ModuleType
from typing import IO, Any


def vips() -> ModuleType:
    """pyvips, imported and set up at the first use, whichever thread that is in."""
    with _SETTING_UP:
        return _set_up()


_SETTING_UP = threading.Lock()


@functools.cache
def _set_up() -> ModuleType:
    """One thread, because the rows come and go in order and the processor belongs to the network; no operation cache,
    because a picture is read once.
    """
    first = "pyvips" not in sys.modules
    if first:
        os.environ.setdefault("VIPS_WARNING", "1")  # libvips is to swallow its warnings
    import pyvips

    if first:
        pyvips._remove_log_handler()  # pyvips's own stumbles over warnings that are no UTF-8, and says so on stderr
    pyvips.cache_set_max(0)
    pyvips.vips_lib.vips_concurrency_set(1)
    return pyvips


def complaint(error: Exception) -> str:
    """All that libvips says, line by line."""
    return str(getattr(error, "detail", error))


def one_line(complaint: str) -> str:
    """The first thing that libvips says, without its inner names."""
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    return re.sub(r"^\w+: ", "", lines[0])[:200] if lines else "no reason given"


def source_for_jpeg(file: IO[bytes]) -> Any:
    """A source that reads the file piece by piece. From a descriptor libvips's JPEG loader maps all of it, and memory
    seems to grow with the file. Who uses it must keep it: libvips calls back into it."""

    def read(size: int) -> bytes | None:
        try:
            return file.read(size)
        except OSError:
            return None  # the loader reports the missing bytes

    source = vips().SourceCustom()
    source.on_read(read)
    source.on_seek(file.seek)
    return source
