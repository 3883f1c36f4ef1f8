"""PSNR on crops of pictures that are not learned from, and the same for what the network was given.

Crops are small and many, so the figures are means over crops, output rounded to 8 bits, a border of `scale` pixels (or
the network's own margin) cut: near the published protocols, not the same; `pellucid evaluate` has those.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pellucid.learn.data.batches import Batch, Batches
from pellucid.learn.losses import LUMA, centred
from pellucid.learn.training.figures import PictureFigures
from pellucid.resample import resize_weights


@dataclass(frozen=True)
class ValidationCrops:
    """The first `count` crops of the validation part, in batches."""

    batches: Batches
    count: int

    def __iter__(self) -> Iterator[Batch]:
        for step in range(max(1, min(self.count, len(self.batches.crops)) // self.batches.batch)):
            yield self.batches.batch_at(step)


@torch.inference_mode()
def validate(network: nn.Module, crops: ValidationCrops, scale: int) -> PictureFigures:
    """The figures of `network`, in evaluation mode, over the crops. [C8]"""
    device = next(network.parameters()).device
    rows: list[Tensor] = []
    for x, target in crops:
        x, target = x.to(device), target.to(device)
        output = network(x).float()
        given = centred(shown(x, target, scale), output)
        border = scale if output.shape == target.shape else 0
        target = centred(target, output)
        rows.append(torch.stack([*psnrs(output, target, border), *psnrs(given, target, border)]))  # (4, n)
    return PictureFigures(*torch.cat(rows, dim=1).double().mean(dim=1).tolist())


def shown(x: Tensor, target: Tensor, scale: int) -> Tensor:
    """The picture in the network's input, at the target's size; a noise level beside it is no picture."""
    return enlarged(x[:, : target.shape[1]], scale)


def enlarged(x: Tensor, scale: int) -> Tensor:
    """The network's input at the target's size, bicubically: what it has to be better than. (n, c, h, w)"""
    if scale == 1:
        return x
    rows, columns = (torch.from_numpy(resize_weights(n, n * scale, scale).dense()).to(x) for n in x.shape[2:])
    return rows @ (x @ columns.T)


def psnrs(output: Tensor, target: Tensor, border: int) -> tuple[Tensor, Tensor]:
    """For each sample over all channels, and on Y; one channel is its own. (n, c, h, w) -> (n,), (n,)"""
    difference = (output.clamp(0, 1) * 255).round() / 255 - target
    if border:
        difference = difference[:, :, border:-border, border:-border]
    luma = difference
    if difference.shape[1] == 3:
        luma = (difference * torch.tensor(LUMA, device=difference.device).reshape(1, 3, 1, 1)).sum(dim=1, keepdim=True)
    return _psnr(difference), _psnr(luma)


def _psnr(difference: Tensor) -> Tensor:
    error = difference.square().mean(dim=(1, 2, 3))
    return -10 * torch.log10(error.clamp_min(1e-10))  # at most 100 dB, so that a mean exists
