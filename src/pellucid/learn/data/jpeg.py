"""What a JPEG file keeps of a picture, on tensors: cosine transforms of 8 x 8 blocks, rounded by the standard's tables.

It gives what a decoder would show, within the rounding of its integers, and makes no file: the entropy coding loses
nothing, so it is left out. Tables, their scaling by quality and the smooth enlargement of halved colour follow ITU T.81
annex K and the Independent JPEG Group's library, which nearly all photographs have been through.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

SIDE = 8

LUMA = torch.tensor(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
COLOUR = torch.full((SIDE, SIDE), 99)
COLOUR[:4, :4] = torch.tensor([[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]])

TO_YCC = torch.tensor(
    [[0.299, 0.587, 0.114], [-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]],
)


def through_jpeg(x: torch.Tensor, quality: torch.Tensor, halved: torch.Tensor) -> torch.Tensor:
    """(n, c, h, w) in 0..1 -> the same; c is 1 or 3. `quality` (n,) is 1..100, `halved` (n,) says which samples store
    their colour at half the resolution, as most files do."""
    h, w = x.shape[2:]
    samples = F.pad((x.clamp(0, 1) * 255).round(), (0, -w % (2 * SIDE), 0, -h % (2 * SIDE)), mode="replicate")
    grey = x.shape[1] == 1
    stored = _rounded(samples - 128, LUMA, quality) + 128 if grey else _colours(samples, quality, halved)
    return stored[:, :, :h, :w].round().clamp(0, 255) / 255


def _colours(rgb: torch.Tensor, quality: torch.Tensor, halved: torch.Tensor) -> torch.Tensor:
    ycc = torch.einsum("oc,nchw->nohw", TO_YCC, rgb).round()
    luma = _rounded(ycc[:, :1] - 128, LUMA, quality).round() + 128
    whole = _rounded(ycc[:, 1:], COLOUR, quality)
    half = _rounded(F.avg_pool2d(ycc[:, 1:], 2).round(), COLOUR, quality).round()
    smooth = F.interpolate(half, scale_factor=2, mode="bilinear", align_corners=False)
    colour = torch.where(halved.reshape(-1, 1, 1, 1), smooth, whole).round()
    return torch.einsum("oc,nchw->nohw", torch.linalg.inv(TO_YCC), torch.cat([luma, colour], dim=1))


def _rounded(plane: torch.Tensor, table: torch.Tensor, quality: torch.Tensor) -> torch.Tensor:
    """Every block's coefficients to the nearest multiple of its table's. (n, c, h, w) about 0, sides multiples of 8"""
    n, c, h, w = plane.shape
    steps = tables(table, quality).reshape(n, 1, 1, 1, SIDE, SIDE)
    blocks = plane.reshape(n, c, h // SIDE, SIDE, w // SIDE, SIDE).transpose(3, 4)  # (n, c, h/8, w/8, 8, 8)
    cosines = _cosines()
    kept = (cosines @ blocks @ cosines.T / steps).round() * steps
    return (cosines.T @ kept @ cosines).transpose(3, 4).reshape(n, c, h, w)


def tables(table: torch.Tensor, quality: torch.Tensor) -> torch.Tensor:
    """The standard's table for each quality. (8, 8), (n,) -> (n, 8, 8)"""
    percent = torch.where(quality < 50, torch.floor(5000 / quality), 200 - 2 * quality).reshape(-1, 1, 1)
    return torch.floor((table * percent + 50) / 100).clamp(1, 255)


def _cosines() -> torch.Tensor:
    """The orthonormal cosine transform of eight samples, a frequency in each row."""
    k, x = torch.arange(SIDE).reshape(-1, 1), torch.arange(SIDE)
    waves = torch.cos(math.pi * k * (2 * x + 1) / (2 * SIDE)) / 2
    waves[0] /= math.sqrt(2)
    return waves
