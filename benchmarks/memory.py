"""What a run adds at its peak to the memory of its process. Linux alone tells it, by /proc."""

from __future__ import annotations

import ctypes
import gc
import mmap
from collections.abc import Callable
from pathlib import Path

import numpy as np


def added_at_peak(run: Callable[[], object], result_bytes: int = 0) -> float:
    """Megabytes beyond what the process has in use already and the bytes of the result.

    The result's place is taken before and given up as the run begins. So the high-water mark starts at all that counts
    as there already, and a mark only rises: there is nothing to subtract that another allocation might have paid for.
    What was freed but not given back to the system would be used again unseen, so that is given back first. The mark is
    read once the place is empty: at the mark itself the kernel shows another, more exact count.
    """
    gc.collect()
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):  # glibc
        libc.malloc_trim(0)
    place = mmap.mmap(-1, max(result_bytes, 1))  # not by malloc, which may keep what it is given back
    np.frombuffer(place, np.uint8).fill(1)  # pages count when they are touched
    Path("/proc/self/clear_refs").write_text("5")  # the mark falls to what is in use now
    place.close()
    before = _high_water_mark()
    run()
    return (_high_water_mark() - before) / 1e6


def _high_water_mark() -> int:
    """Bytes; the kernel's kB are 1024."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
