"""The learning rate as a function of the step: a straight warm-up, then half a cosine down."""

from __future__ import annotations

import math

from pellucid.learn.recipes.recipe import Optimiser


def rate_at(step: int, steps: int, optimiser: Optimiser) -> float:
    """The rate of step `step` (0, 1, ...) of `steps`: `rate` after the warm-up, `last_rate` at the end."""
    warm_up = min(optimiser.warm_up, steps)
    if step < warm_up:
        return optimiser.rate * (step + 1) / warm_up
    done = (step - warm_up) / max(1, steps - warm_up)
    return optimiser.last_rate + (optimiser.rate - optimiser.last_rate) * 0.5 * (1 + math.cos(math.pi * done))
