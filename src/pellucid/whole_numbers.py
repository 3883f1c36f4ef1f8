"""Whole numbers that callers give: threads, bytes, heights, widths. What is none is refused here, in one line."""

from __future__ import annotations

import operator

from pellucid.errors import UsageError

MOST_THREADS = 4096
MOST = 2**62
"""Beyond any number of pixels or bytes, and within the engine's integers."""


def whole_number(name: str, value: object, least: int = 1, most: int = MOST, hint: str | None = None) -> int:
    """The number, of Python or NumPy; no text, no 9.0, nothing outside of least to most."""
    bounds = f"a whole number of at least {least}" if most == MOST else f"a whole number from {least} to {most}"
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise UsageError(f"the {name} is no whole number", seen=repr(value)[:40], expected=bounds, hint=hint) from None
    if not least <= number <= most:
        bounds = f"a whole number from {least} to {most}" if number > most else bounds
        raise UsageError(f"the {name} does not fit", seen=number, expected=bounds, hint=hint)
    return number


def engine_options(threads: int | None, memory: int | None) -> dict[str, int]:
    """What the engine takes; None, as 0, leaves the threads to it, and memory without a ceiling."""
    in_bytes = "memory is in bytes: 300_000_000 for 300M"
    return {
        "threads": 0 if threads is None else whole_number("number of threads", threads, 0, MOST_THREADS),
        "memory": 0 if memory is None else whole_number("ceiling for memory", memory, 0, hint=in_bytes),
    }
