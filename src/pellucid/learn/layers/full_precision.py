"""Running one layer in float32 while the rest of a network computes in bfloat16.

A super-resolution network adds a small correction to an enlarged picture. bfloat16 has 8 bits of precision: enough for
the correction, too few for the picture.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def in_full_precision(layer: nn.Module, x: Tensor) -> Tensor:
    """`layer(x)`, outside of autocast. Where there is no autocast, as when exporting, it is nothing but that."""
    if not torch.is_autocast_enabled(x.device.type):
        return layer(x)
    with torch.autocast(x.device.type, enabled=False):
        return layer(x.float())
