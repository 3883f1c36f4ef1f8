"""Statistics of a data set, and data made white by them. [A8]

Standardising brings each element to mean 0 and variance 1 and leaves their covariance; whitening removes that too.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pellucid.errors import UsageError, unknown_name
from pellucid.reference.window import Array


def channel_statistics(pictures: Iterable[Array]) -> tuple[Array, Array]:
    """Mean and deviation of each channel over a whole training set of pictures (h, w, c) of any sizes. [A8]"""
    count, total, squares = 0, np.zeros(1), np.zeros(1)
    for picture in pictures:
        rows = np.asarray(picture, np.float64).reshape(-1, picture.shape[-1])
        count, total, squares = count + len(rows), total + rows.sum(axis=0), squares + (rows**2).sum(axis=0)
    if not count:
        raise UsageError("no pictures to take statistics of", expected="at least one")
    mean = total / count
    return mean, np.sqrt(np.maximum(squares / count - mean**2, 0))


@dataclass(frozen=True)
class Whitening:
    """x -> (x - mean) @ matrix.T, for rows x."""

    mean: Array
    matrix: Array

    def __call__(self, x: Array) -> Array:
        return (x - self.mean) @ self.matrix.T


def whitening(x: Array, kind: Literal["pca", "zca"] = "zca", epsilon: float = 0.0) -> Whitening:
    """The map that gives the rows of x mean 0 and unit covariance.

    With covariance V diag(s) V^T: "pca" is diag(s + epsilon)^(-1/2) V^T, "zca" turns the result back by V, which stays
    closest to the data. epsilon holds down directions in which the data hardly vary. [A8]
    """
    if kind not in ("pca", "zca"):
        raise unknown_name("kind of whitening", kind, ["pca", "zca"])
    mean = x.mean(axis=0)
    s, v = np.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    if s[0] + epsilon <= 1e-12 * s[-1]:
        raise UsageError("the data do not vary in some direction", seen=f"variance {s[0]:.1e}", hint="raise epsilon")
    pca = v.T / np.sqrt(s + epsilon)[:, None]
    return Whitening(mean, pca if kind == "pca" else v @ pca)
