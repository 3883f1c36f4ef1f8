"""Keyed numbers are spread evenly, permutations permute, and the values never change between versions."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.learn.data.keyed_random import below, bits, permuted, uniform

GOLDEN_BITS = ["0x78420ca6dc187f92", "0x4891d9fa90e97d40", "0x3c2bc21488ff52b3"]
GOLDEN_ORDER = [4, 1, 3, 0, 7, 9, 8, 5, 2, 6]
"""Other values would be other databases from the same seed: they may only change with the format's version."""


def test_the_values_are_pinned():
    assert [hex(int(v)) for v in bits(7, 1, np.arange(3))] == GOLDEN_BITS
    assert permuted(np.arange(10), 10, 7, 0).tolist() == GOLDEN_ORDER


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 16, 17, 63, 64, 65, 1000, 4097])
def test_a_permutation_hits_every_number_once(n):
    for key in range(3):
        assert sorted(permuted(np.arange(n), n, 5, key).tolist()) == list(range(n))


def test_permutations_of_different_keys_have_little_in_common():
    n = 10_000
    first, second = permuted(np.arange(n), n, 1, 0), permuted(np.arange(n), n, 1, 1)
    assert np.count_nonzero(first == second) < 10  # one place on average, by chance
    assert abs(np.corrcoef(np.arange(n), first)[0, 1]) < 0.05
    assert np.count_nonzero(np.diff(first) == 1) < 10


def test_uniform_is_even_in_every_part_of_the_key():
    for numbers in (
        uniform(3, 1, np.arange(20_000)),
        uniform(np.arange(20_000), 1, 3),
        uniform(3, np.arange(20_000), 1),
    ):
        counts = np.histogram(numbers, bins=20, range=(0, 1))[0]
        assert np.abs(counts - 1000).max() < 5 * np.sqrt(1000)
        assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 0.05


def test_below_stays_below():
    assert set(below(3, 9, np.arange(200)).tolist()) == {0, 1, 2}
    assert below(np.array([1, 1, 1]), 9, np.arange(3)).tolist() == [0, 0, 0]


def test_negative_and_large_seeds_are_keys_like_any_other():
    seeds = [-1, 0, 1, 2**63, 2**64 - 2]
    assert len({int(bits(seed)[0]) for seed in seeds}) == len(seeds)
