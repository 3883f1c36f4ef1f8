"""What becomes of memory that was freed: the C library's own rule suits neither training nor large pictures.

It gives large blocks back to the system, each new one being paid for page by page, and as soon as one of some size was
freed it keeps all up to that size, in pieces that the next ones may not fit into.
"""

from __future__ import annotations

import ctypes
import os

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # as malloc.h of glibc numbers them
LARGEST = 2**25
"""glibc takes no larger one: blocks above it still come from the system."""
NEVER = 2**31 - 1
LARGE = 2**20
"""Rows of pictures as phones make them are smaller: they stay and cost no pages."""


def keep_freed_memory() -> None:
    """For this process, until it ends: one training step asks for as much as the one before.

    A step of the network for digits took 12,000 new pages on torch's kernels, and a seventh of its time.
    """
    _tell_glibc(MMAP_THRESHOLD, LARGEST)
    _tell_glibc(TRIM_THRESHOLD, NEVER)


def give_back_large_blocks() -> None:
    """For this process, until it ends: rows of wide pictures leave no holes behind.

    Of 900 megapixels, written as PNG, the holes took 50 MB.
    """
    _tell_glibc(MMAP_THRESHOLD, LARGE)


def _tell_glibc(parameter: int, value: int) -> None:
    """Does nothing where the C library is another one."""
    if _is_glibc():
        ctypes.CDLL(None).mallopt(parameter, value)


def _is_glibc() -> bool:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (AttributeError, ValueError):  # no such name, or no such system
        return False
