"""Memory that one step frees is left with the process, for the next step asks for as much again.

The C library gives large blocks back to the system at once; each new one is then paid for page by page, zeroed by the
kernel. A step of the network for digits took 12,000 such pages on torch's kernels, and a seventh of its time.
"""

from __future__ import annotations

import ctypes
import platform

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # as malloc.h of glibc numbers them
LARGEST = 2**25
"""glibc takes no larger one: blocks above it still come from the system."""
NEVER = 2**31 - 1


def keep_freed_memory() -> None:
    """For this process, until it ends. Does nothing where the C library is not glibc."""
    if platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        library.mallopt(MMAP_THRESHOLD, LARGEST)
        library.mallopt(TRIM_THRESHOLD, NEVER)
