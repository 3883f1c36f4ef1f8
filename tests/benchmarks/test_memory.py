"""Peak memory: what a run adds, whatever the process used and freed before."""

import mmap

import numpy as np
import pytest

from benchmarks.memory import added_at_peak

MB = 10**6
TOLERANCE = 2.0


def taken(megabytes: int) -> mmap.mmap:
    place = mmap.mmap(-1, megabytes * MB)
    np.frombuffer(place, np.uint8).fill(1)
    return place


def test_what_a_run_holds_for_a_while_counts():
    assert added_at_peak(lambda: taken(40).close()) == pytest.approx(40, abs=TOLERANCE)


def test_the_result_does_not_count():
    result = []

    def run() -> None:
        result.append(taken(30))
        taken(20).close()

    assert added_at_peak(run, 30 * MB) == pytest.approx(20, abs=TOLERANCE)


def test_a_run_that_adds_nothing_adds_nothing():
    assert 0 <= added_at_peak(lambda: None, 30 * MB) < TOLERANCE


def test_freed_memory_is_not_used_again_unseen():
    small = [bytearray(b"x" * 50_000) for _ in range(800)]  # 40 MB that malloc keeps: the last one stays
    del small[:-1]
    assert added_at_peak(lambda: [bytearray(b"x" * 50_000) for _ in range(800)]) == pytest.approx(40, abs=TOLERANCE)
