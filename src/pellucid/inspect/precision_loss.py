"""What bfloat16 changes in a network's answer, measured against float32 on one picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pellucid.inspect.as_input import as_input

if TYPE_CHECKING:
    from pellucid.network import Network


@dataclass(frozen=True)
class PrecisionLoss:
    """`difference` is bfloat16's answer minus float32's, (h, w, c); `relative` max |a - b| / max |b|."""

    answer: np.ndarray
    difference: np.ndarray
    largest: float
    relative: float
    psnr: float  # of the difference, white being 1; infinite where there is none


def precisions(net: Network, picture: np.ndarray) -> PrecisionLoss:
    """The network's answer to a picture in both precisions."""
    x = as_input(net, picture)
    exact = net.run(x, "fp32")[0]
    difference = net.run(x, "bf16")[0] - exact
    largest, error = float(np.abs(difference).max()), float(np.mean(difference.astype(np.float64) ** 2))
    relative = largest / max(float(np.abs(exact).max()), 1e-30)
    return PrecisionLoss(exact, difference, largest, relative, float("inf") if error == 0 else -10 * np.log10(error))
