"""CamVid as SegNet's authors cut it [D14]: frames of 480 x 360 with a class for every pixel, eleven classes and void.

A folder holds `train`, `val`, `test` and, beside each, `trainannot` and so on, with pictures of the same names whose
grey values are class numbers; 11 is void, which neither losses nor figures count.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pellucid.errors import DatabaseError
from pellucid.tasks.labelled_frames import LABELS, frames_with_labels, read_labelled

CLASSES = (
    "sky",
    "building",
    "pole",
    "road",
    "pavement",
    "tree",
    "sign",
    "fence",
    "car",
    "pedestrian",
    "cyclist",
)
VOID = 11
PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class Streets:
    """`frames` (n, h, w, 3) uint8 and `labels` (n, h, w) uint8, both whole in memory: 190 MB for the 367 of `train`."""

    frames: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]


def read_camvid(folder: str | Path, part: str) -> Streets:
    """One part of the set; refuses frames without labels, labels of another size, and classes above void."""
    root = Path(folder)
    if part not in PARTS:
        raise DatabaseError("no such part of CamVid", seen=part, expected=", ".join(PARTS))
    if not (root / part).is_dir() or not (root / (part + LABELS)).is_dir():
        seen = root / part
        raise DatabaseError("CamVid is not here", seen=seen, hint="fetch SegNet's CamVid and name its folder")
    pairs = frames_with_labels(root / part)
    frames: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    for file, annotation in pairs:
        frame, label = read_labelled(file, annotation, VOID)
        if frames and frame.shape != frames[0].shape:
            raise DatabaseError(f"{file}: frames differ in size", seen=frame.shape, expected=frames[0].shape)
        frames.append(frame)
        labels.append(label)
    return Streets(np.stack(frames), np.stack(labels), tuple(file.stem for file, _ in pairs))


def class_shares(labels: np.ndarray) -> np.ndarray:
    """(11,): the share of each class among all pixels that are not void."""
    counts = np.bincount(labels.ravel(), minlength=VOID + 1)[:VOID]
    return counts / max(counts.sum(), 1)


def balancing_weights(labels: np.ndarray, softness: float = 1.02) -> np.ndarray:
    """(11,): ENet's weights 1 / ln(softness + share), which lift rare classes without letting them rule."""
    return 1 / np.log(softness + class_shares(labels))
