"""Batches of frames with a class for every pixel, as functions of (seed, step) [D14]: nothing remembers anything.

Frame and labels are cut, scaled and flipped together; only the frame changes its colours. Labels are taken, not mixed:
between a road and a car there is no third class.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from pellucid.errors import UsageError
from pellucid.learn.data.batches import ACROSS, DOWN, ORDER, TURN, Batch
from pellucid.learn.data.camvid import Streets
from pellucid.learn.data.keyed_random import below, in_epochs, uniform

ZOOM, RECOLOUR = 9, 10
"""Streams of random numbers; earlier ones are for other batches."""


@dataclass(frozen=True)
class StreetBatches:
    """Squares of `patch` pixels out of frames that are enlarged or made smaller by up to `zoom`."""

    streets: Streets
    batch: int
    patch: int
    seed: int
    zoom: float = 1.0
    recolour: float = 0.0
    rank: int = 0
    ranks: int = 1

    def __post_init__(self) -> None:
        h, w = self.streets.frames.shape[1:3]
        if not 1 <= self.patch <= min(h, w):
            raise UsageError(
                "recipe: data.patch does not fit the frames", seen=self.patch, expected=f"1 to {min(h, w)}"
            )
        if not 1 <= self.zoom <= 4:
            raise UsageError("recipe: data.zoom is out of range", seen=self.zoom, expected="1 to 4")
        if not 0 <= self.recolour < 1:
            raise UsageError("recipe: data.recolour is out of range", seen=self.recolour, expected="0 to 1, without 1")

    def batch_at(self, step: int) -> Batch:
        """Frames (n, 3, patch, patch) float32 in 0..1, and labels (n, patch, patch) int64, of this step (0, 1, ...)."""
        samples = step * self.batch + np.arange(self.rank, self.batch, self.ranks)
        frames = in_epochs(samples, len(self.streets.frames), self.seed, ORDER)
        cut = [self._cut(int(frame), int(sample)) for frame, sample in zip(frames, samples, strict=True)]
        return torch.stack([x for x, _ in cut]), torch.stack([labels for _, labels in cut])

    def _cut(self, frame: int, sample: int) -> tuple[torch.Tensor, torch.Tensor]:
        """One frame's window, scaled to the patch. -> (3, patch, patch), (patch, patch)"""
        picture, labels = self.streets.frames[frame], self.streets.labels[frame]
        h, w = labels.shape
        zoom = math.exp(math.log(self.zoom) * (2 * float(uniform(self.seed, ZOOM, sample)[0]) - 1))
        side = min(round(self.patch / zoom), h, w)
        y, x = (int(below(room - side + 1, self.seed, key, sample)[0]) for room, key in ((h, DOWN), (w, ACROSS)))
        taken = (2 * np.arange(self.patch) + 1) * side // (2 * self.patch)  # the nearest pixel of the window
        if uniform(self.seed, TURN, sample)[0] < 0.5:
            picture, labels = picture[:, ::-1], labels[:, ::-1]
        window = torch.from_numpy(picture[y : y + side, x : x + side].astype(np.float32)) / 255
        scaled = F.interpolate(window.permute(2, 0, 1)[None], (self.patch, self.patch), mode="bilinear")[0]
        classes = labels[y : y + side, x : x + side][taken[:, None], taken].astype(np.int64)
        return self._recoloured(scaled, sample), torch.from_numpy(classes)

    def _recoloured(self, x: torch.Tensor, sample: int) -> torch.Tensor:
        """Brightness, contrast, and a little of each colour's own. (3, h, w)"""
        if not self.recolour:
            return x
        drawn = 2 * uniform(self.seed, RECOLOUR, sample, np.arange(5)) - 1
        gains = (1 + self.recolour * drawn[1]) * (1 + self.recolour / 3 * drawn[2:])
        offset = self.recolour / 2 * drawn[0]
        gain = torch.from_numpy(gains.astype(np.float32)).reshape(3, 1, 1)
        return ((x - 0.5) * gain + (0.5 + float(offset))).clamp_(0, 1)
