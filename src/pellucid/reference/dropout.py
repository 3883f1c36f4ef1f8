"""Dropout: random values are set to 0 while training, in both of its equivalent forms. [A9]

Reweighted while training (the first lecture, and the default): kept values are divided by the share that is kept, and
inference changes nothing. Reweighted at inference (the second lecture, where half are dropped and inference halves):
kept values stay, and inference multiplies by the share. In expectation a value counts the same in both.
"""

import numpy as np

from pellucid.errors import UsageError
from pellucid.reference.window import Array


def draw_kept(rng: np.random.Generator, shape: tuple[int, ...], rate: float) -> Array:
    """1 for values that are kept, 0 for the share `rate` that is dropped. [A9]"""
    if not 0 <= rate < 1:
        raise UsageError("the dropout rate is out of range", seen=rate, expected="0 <= rate < 1")
    return (rng.random(shape) >= rate).astype(np.float64)


def dropout_train(x: Array, kept: Array, rate: float, *, reweight_at_inference: bool = False) -> Array:
    """kept * x / (1 - rate), or kept * x. [A9]"""
    return kept * x if reweight_at_inference else kept * x / (1 - rate)


def dropout_train_backward_data(dy: Array, kept: Array, rate: float, *, reweight_at_inference: bool = False) -> Array:
    """Nothing for what was dropped; the rest as forward. [A9]"""
    return dropout_train(dy, kept, rate, reweight_at_inference=reweight_at_inference)


def dropout_test(x: Array, rate: float, *, reweight_at_inference: bool = False) -> Array:
    """x, or (1 - rate) * x. [A9]"""
    return (1 - rate) * x if reweight_at_inference else x
