"""libvips as this package uses it: quiet, without caches, with one thread of its own, its complaints as one line."""

from __future__ import annotations

import functools
import re
from types import ModuleType


@functools.cache
def vips() -> ModuleType:
    """pyvips, imported and set up at the first use.

    One thread, because the rows come and go in order and the processor belongs to the network; no operation cache,
    because a picture is read once.
    """
    import pyvips

    pyvips.cache_set_max(0)
    pyvips.vips_lib.vips_concurrency_set(1)
    return pyvips


def one_line(error: Exception) -> str:
    """libvips's last complaint without its inner names."""
    lines = [line.strip() for line in getattr(error, "detail", str(error)).splitlines() if line.strip()]
    lines = [re.sub(r"^\w+: ", "", line) for line in lines]
    return lines[0][:200] if lines else "no reason given"
