"""Bicubic enlargement as a convolution: one output channel for each colour and each place within an enlarged pixel.

Followed by a pixel shuffle it equals MATLAB's bicubic enlargement but at the picture's edges, where the edge pixel is
repeated here and MATLAB mirrors; zeros, as elsewhere in a network, would darken the edge.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from pellucid.resample import cubic

TAPS = 5
"""Bicubic reads four pixels; which four depends on the place within the pixel, and five hold them all."""


def polyphase_bicubic(scale: int, colours: int) -> Tensor:
    """The weights (colours * scale * scale, colours, 5, 5) float32, output channels in pixel shuffle's order. [A7]"""
    inside = (np.arange(scale) + 0.5) / scale - 0.5  # where an enlarged pixel's centre lies from its source's
    taps = np.arange(TAPS) - TAPS // 2
    axis = cubic(inside[:, None] - taps)  # (scale, 5), rows sum to 1
    phases = np.einsum("py,qx->pqyx", axis, axis)  # (scale, scale, 5, 5)
    weights = np.einsum("oi,pqyx->opqiyx", np.eye(colours), phases)
    return torch.from_numpy(weights.reshape(colours * scale**2, colours, TAPS, TAPS).astype(np.float32))


def interpolation(scale: int, colours: int, *, learned: bool) -> nn.Conv2d:
    """A convolution without bias that starts as bicubic enlargement and may learn to do better."""
    layer = nn.Conv2d(colours, colours * scale**2, TAPS, padding=TAPS // 2, bias=False, padding_mode="replicate")
    with torch.no_grad():
        layer.weight.copy_(polyphase_bicubic(scale, colours))
    layer.weight.requires_grad_(learned)
    return layer
