"""Random numbers that are functions of a key: the same whoever asks, in whatever order, on whatever version of NumPy.

A crop's place in a photograph is a function of (seed, crop), a batch is a function of (seed, step): nothing has a state
that would have to be saved, split among processes or brought back after an interruption. This is good mixing
(SplitMix64), not cryptography.
"""

from __future__ import annotations

import numpy as np

Key = int | np.ndarray
"""One part of a key: a number, or an array of them that gives an array of results."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def bits(*key: Key) -> np.ndarray:
    """64 random bits for each key. Parts that are arrays are broadcast against each other. -> uint64 (1,) or larger"""
    state = np.zeros(1, np.uint64)
    for part in key:
        state = _mix((state + _GOLDEN) ^ _mix(_words(part) + _GOLDEN))
    return state


def uniform(*key: Key) -> np.ndarray:
    """A number in [0, 1) for each key, of 53 random bits. -> float64"""
    return (bits(*key) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def below(n: int | np.ndarray, *key: Key) -> np.ndarray:
    """A whole number in 0..n-1 for each key. -> int64"""
    return np.minimum((uniform(*key) * n).astype(np.int64), np.asarray(n) - 1)


def permuted(i: np.ndarray, n: int, *key: int) -> np.ndarray:
    """Where a random permutation of 0..n-1 sends each `i`, without holding the permutation. -> int64, as `i`

    Four Feistel rounds permute the smallest square 4^k >= n; what lands at n or beyond walks on until it is back.
    """
    half = max(1, (max(n - 1, 1).bit_length() + 1) // 2)
    result = _feistel(np.asarray(i, np.uint64), half, key)
    while np.any(outside := result >= n):
        result[outside] = _feistel(result[outside], half, key)
    return result.astype(np.int64)


def in_epochs(samples: np.ndarray, n: int, *key: int) -> np.ndarray:
    """Which of n things each sample is, where everything comes once per epoch, in another order each time. -> int64

    Samples are counted from the first of the first epoch, and ascend.
    """
    epochs = samples // n
    return np.concatenate([permuted(samples[epochs == e] % n, n, *key, e) for e in np.unique(epochs).tolist()])


def _feistel(x: np.ndarray, half: int, key: tuple[int, ...]) -> np.ndarray:
    shift, mask = np.uint64(half), np.uint64((1 << half) - 1)
    left, right = x >> shift, x & mask
    for turn in range(4):
        left, right = right, left ^ (bits(*key, turn, right) & mask)
    return (left << shift) | right


def _words(part: Key) -> np.ndarray:
    if isinstance(part, np.ndarray):
        return part.astype(np.uint64, copy=False)
    return np.array([part & 0xFFFF_FFFF_FFFF_FFFF], np.uint64)  # negative seeds are seeds too


def _mix(x: np.ndarray) -> np.ndarray:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
