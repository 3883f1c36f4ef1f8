"""[E5] Which pixels of the receptive field count: the effective field.

It is the size of the gradient of one output pixel with respect to every input pixel, averaged over random inputs:
usually a bell much narrower than the theoretical box.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from pellucid.errors import UsageError
from pellucid.inspect.gradient_views import EffectiveField


def effective_field(
    network: nn.Module, channels: int, side: int, samples: int = 8, seed: int = 0, told: float | None = None
) -> EffectiveField:
    """[E5] Of the middle pixel of the network's output (n, c, h, w), for inputs of side x side pixels.

    The last channel is `told` everywhere where that is given: a noise level is no picture.
    """
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(samples, channels, side, side, generator=generator)
    if told is not None:
        x[:, -1] = told
    x.requires_grad_()
    was_training = network.training
    try:
        y = network.eval()(x)
        if y.ndim != 4:
            raise UsageError("the answer has no places, so its field is the whole picture", seen=tuple(y.shape))
        signs = torch.randn(y.shape[:2], generator=generator)
        centre = y[:, :, y.shape[2] // 2, y.shape[3] // 2]
        (gradient,) = torch.autograd.grad((centre * signs).sum(), x)
    finally:
        network.train(was_training)
    weight = gradient.double().square().sum(dim=1).mean(dim=0).sqrt().numpy()  # (h, w)
    if not weight.any():
        raise UsageError("no pixel counts: the gradient is zero everywhere")
    weight = weight / weight.sum()
    rows, columns = np.flatnonzero(weight.any(axis=1)), np.flatnonzero(weight.any(axis=0))
    box = int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])
    return EffectiveField(weight, (_spread(weight.sum(axis=1)), _spread(weight.sum(axis=0))), box)


def _spread(p: np.ndarray) -> float:
    at = np.arange(len(p))
    mean = p @ at
    return float(np.sqrt(p @ (at - mean) ** 2))
