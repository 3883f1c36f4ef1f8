"""Batches as functions of (seed, step): which crops, which part of each, how turned, how degraded.

Nothing here remembers anything, so a run that goes on after an interruption sees what it would have seen. In the
training part every crop comes once per epoch, in another order each time, cut and turned at random. In the validation
part the order is that of the database, patches are cut from the middle, and nothing is turned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from pellucid.errors import DatabaseError, UsageError, unknown_name
from pellucid.learn.data.augment import TURNS, turned
from pellucid.learn.data.database import CropDatabase
from pellucid.learn.data.degradations import Degradation
from pellucid.learn.data.keyed_random import below, in_epochs

ORDER, DOWN, ACROSS, TURN, DEGRADE = 1, 2, 3, 4, 5
"""The streams of random numbers that batches draw from."""

CHANNELS: dict[str, tuple[tuple[float, float, float], float] | None] = {
    "rgb": None,
    "grey": ((0.299, 0.587, 0.114), 0.0),  # BT.601, black 0 and white 1
    "luma": ((65.481 / 255, 128.553 / 255, 24.966 / 255), 16 / 255),  # the same as MATLAB's rgb2ycbcr scales it
}
"""What a network sees of a crop: its colours, or one weighted sum of them plus an offset."""

Batch = tuple[torch.Tensor, torch.Tensor]
"""Input (n, c, h / scale, w / scale) and target (n, c, h, w), float32 in 0..1, in channels-last memory."""


@dataclass(frozen=True)
class Batches:
    """Pairs of input and target from a crop database. With several `ranks`, each gets its own part of every batch."""

    database: CropDatabase
    batch: int
    patch: int  # of the target, a multiple of the degradation's scale
    seed: int
    degradation: Degradation
    channels: str = "rgb"
    part: Literal["train", "val"] = "train"
    rank: int = 0
    ranks: int = 1

    def __post_init__(self) -> None:
        if self.channels not in CHANNELS:
            raise unknown_name("kind of channels", self.channels, list(CHANNELS))
        scale, crop = self.degradation.scale, self.database.crop
        if self.patch < 1 or self.patch % scale:
            raise UsageError("the patch does not fit the scale", seen=self.patch, expected=f"a multiple of {scale}")
        if self.patch > crop:
            hint = f"a smaller patch, or `pellucid createdb --crop {self.patch}`"
            raise DatabaseError("the crops are smaller than the patch", seen=crop, expected=self.patch, hint=hint)
        if self.batch < 1 or self.batch % self.ranks:
            raise UsageError("the batch cannot be shared out", seen=self.batch, expected=f"a multiple of {self.ranks}")
        if not len(self.crops):
            raise DatabaseError(f"the database has no crops for {self.part}", seen=self.database.path)

    @property
    def crops(self) -> np.ndarray:
        return self.database.train if self.part == "train" else self.database.val

    @property
    def steps_per_epoch(self) -> float:
        return len(self.crops) / self.batch

    def batch_at(self, step: int) -> Batch:
        """The batch of this step (0, 1, ...): the same however often and in whatever order it is asked for. [C2]"""
        samples = step * self.batch + np.arange(self.rank, self.batch, self.ranks)
        clean = torch.from_numpy(self._windows(samples)).permute(0, 3, 1, 2)  # (n, 3, h, w) over (n, h, w, 3)
        clean = mixed(clean.to(torch.float32) / 255, self.channels)
        given = self.degradation(clean.contiguous(), (self.seed, DEGRADE, step, self.rank))
        margin, scale = self._margin, self.degradation.scale
        return _middle(given, margin // scale), _middle(clean, margin)

    def which(self, samples: np.ndarray) -> np.ndarray:
        """The crop of each sample, where samples are counted from the first of the first epoch. -> int64"""
        n = len(self.crops)
        if self.part == "val":
            return samples % n
        return in_epochs(samples, n, self.seed, ORDER)

    @property
    def _margin(self) -> int:
        """Pixels around the patch that are degraded with it and then cut off: as many as the crop has to spare."""
        scale = self.degradation.scale
        return min(self.degradation.margin, (self.database.crop - self.patch) // 2 // scale * scale)

    def _windows(self, samples: np.ndarray) -> np.ndarray:
        """Patches with their margins, cut and turned. (n,) -> (n, side, side, 3) uint8"""
        side = self.patch + 2 * self._margin
        room = self.database.crop - side
        ys, xs, turns = (np.full(len(samples), value) for value in (room // 2, room // 2, 0))
        if self.part == "train":
            ys, xs = (below(room + 1, self.seed, stream, samples) for stream in (DOWN, ACROSS))
            turns = below(TURNS, self.seed, TURN, samples)
        windows = np.empty((len(samples), side, side, 3), np.uint8)
        for k, (i, y, x, turn) in enumerate(zip(self.which(samples), ys, xs, turns.tolist(), strict=True)):
            windows[k] = turned(self.crops[i, y : y + side, x : x + side], turn)
        return windows


def mixed(colours: torch.Tensor, channels: str) -> torch.Tensor:
    """What a network sees of colours. (n, 3, h, w) -> (n, 3, h, w) or (n, 1, h, w)"""
    mixture = CHANNELS[channels]
    if mixture is None:
        return colours
    weights, offset = mixture
    return (colours * torch.tensor(weights).reshape(1, 3, 1, 1)).sum(dim=1, keepdim=True) + offset


def _middle(x: torch.Tensor, margin: int) -> torch.Tensor:
    if margin:
        x = x[:, :, margin:-margin, margin:-margin]
    return x.contiguous(memory_format=torch.channels_last)
