"""A segmenting model on frames with labels: intersection over union, class by class [D14].

The model sees frames as `pellucid segment` shows them to it; counts are summed over all frames before anything is
divided, and void does not count, as in the published figures.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.metrics import Confusion
from pellucid.network import Network
from pellucid.picture import Picture, open_reader
from pellucid.tasks.labelled_frames import frames_with_labels, read_labelled
from pellucid.tasks.legend import legend
from pellucid.tasks.rows import Options
from pellucid.tasks.segment import classes_of, colours, labels_of_rows, segment

PROTOCOL = "intersection over union of counts summed over all frames, at the frames' size, without void"

SHOWN = 4
"""Frames in a strip."""


@dataclass(frozen=True)
class SegmentReport:
    """`iou` is None for a class that is neither there nor named; `pixels` is the share that is right."""

    model: str
    how: str
    frames: int
    mean_iou: float
    pixels: float
    iou: dict[str, float | None]

    def to_json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "how": self.how,
            "protocol": PROTOCOL,
            "frames": self.frames,
            "mean_iou": self.mean_iou,
            "pixels": self.pixels,
            "iou": self.iou,
        }

    def rows(self) -> list[tuple[str, str]]:
        """For a table: each class, and the mean."""
        cells = [(name, "-" if iou is None else f"{100 * iou:.1f}") for name, iou in self.iou.items()]
        return [*cells, ("mean", f"{100 * self.mean_iou:.1f}")]


def evaluate_segments(
    network: Network,
    data: str | Path,
    options: Options,
    progress: Callable[[int, int, str], None] = lambda done, of, name: None,
) -> tuple[SegmentReport, Picture]:
    """The figures on a folder of frames beside its folder of labels, or on the `test` part of a set; and a strip of
    frames, predictions and truths, evenly spread over the folder."""
    classes = classes_of(network)
    pairs = frames_with_labels(_frames_of(Path(data)))
    shown = set(np.linspace(0, len(pairs) - 1, SHOWN + 2).astype(int)[1:-1].tolist())
    confusion, strip = Confusion(len(classes)), []
    for i, (file, annotation) in enumerate(pairs):
        progress(i, len(pairs), file.name)
        frame, truth = read_labelled(file, annotation, len(classes))
        with open_reader(str(file), max_pixels=options.max_pixels) as reader:
            predicted = labels_of_rows(segment(network, reader, options), 0, len(frame))
        confusion.add(truth, predicted)
        if i in shown:
            strip.append(_beside(frame, predicted, truth, len(classes)))
    progress(len(pairs), len(pairs), "")
    iou = {n: None if math.isnan(v) else v for n, v in zip(classes, confusion.iou().tolist(), strict=True)}
    how = network.precision_in_words(options.precision)
    report = SegmentReport(network.name, how, len(pairs), confusion.mean_iou(), confusion.accuracy(), iou)
    return report, Picture(_strip(strip, classes))


def _frames_of(folder: Path) -> Path:
    return folder / "test" if (folder / "test").is_dir() else folder


def _beside(frame: np.ndarray, predicted: np.ndarray, truth: np.ndarray, classes: int) -> np.ndarray:
    """Frame, prediction, truth, from left to right; void is white. (h, 3 w, 3) uint8"""
    palette = np.concatenate([colours(classes), np.ones((1, 3), np.float32)])
    painted = [np.round(palette[labels] * 255).astype(np.uint8) for labels in (predicted, truth)]
    return np.concatenate([frame, *painted], axis=1)


def _strip(rows: list[np.ndarray], classes: tuple[str, ...]) -> np.ndarray:
    """One below the other, the narrower ones filled up with white, and the legend."""
    width = max(row.shape[1] for row in rows)
    filled = [np.pad(r, ((0, 0), (0, width - r.shape[1]), (0, 0)), constant_values=255) for r in rows]
    entries = list(zip(colours(len(classes)), classes, strict=True))
    below = np.round(legend(entries, width, max(1, width // 720)) * 255).astype(np.uint8)
    return np.concatenate([*filled, below])
