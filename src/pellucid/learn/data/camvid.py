"""CamVid as SegNet's authors cut it [D14]: frames of 480 x 360 with a class for every pixel, eleven classes and void.

A folder holds `train`, `val`, `test` and, beside each, `trainannot` and so on, with pictures of the same names whose
grey values are class numbers; 11 is void, which neither losses nor figures count.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pellucid.errors import DatabaseError

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
    from pellucid.picture import is_picture_name, read

    root = Path(folder)
    if part not in PARTS:
        raise DatabaseError("no such part of CamVid", seen=part, expected=", ".join(PARTS))
    if not (root / part).is_dir() or not (root / f"{part}annot").is_dir():
        seen = root / part
        raise DatabaseError("CamVid is not here", seen=seen, hint="fetch SegNet's CamVid and name its folder")
    files = sorted(p for p in (root / part).iterdir() if is_picture_name(p))
    if not files:
        raise DatabaseError("CamVid has no frames", seen=root / part)
    frames: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    for file in files:
        annotation = root / f"{part}annot" / f"{file.stem}.png"
        if not annotation.exists():
            raise DatabaseError("a frame has no labels", seen=file, expected=annotation)
        frame, label = read(file).pixels, read(annotation).pixels
        if frame.shape[:2] != label.shape[:2] or label.shape[2] != 1:
            raise DatabaseError(f"{annotation}: labels do not fit", seen=label.shape, expected=(*frame.shape[:2], 1))
        if label.max() > VOID:
            raise DatabaseError(f"{annotation}: no such class", seen=int(label.max()), expected=f"0 to {VOID}")
        if frames and frame.shape != frames[0].shape:
            raise DatabaseError(f"{file}: frames differ in size", seen=frame.shape, expected=frames[0].shape)
        frames.append(frame)
        labels.append(label[..., 0])
    return Streets(np.stack(frames), np.stack(labels), tuple(file.stem for file in files))


def class_shares(labels: np.ndarray) -> np.ndarray:
    """(11,): the share of each class among all pixels that are not void."""
    counts = np.bincount(labels.ravel(), minlength=VOID + 1)[:VOID]
    return counts / max(counts.sum(), 1)


def balancing_weights(labels: np.ndarray, softness: float = 1.02) -> np.ndarray:
    """(11,): ENet's weights 1 / ln(softness + share), which lift rare classes without letting them rule."""
    return 1 / np.log(softness + class_shares(labels))


class Confusion:
    """Counts of (truth, prediction) over any number of pictures; void is left out."""

    def __init__(self, classes: int = VOID) -> None:
        self.counts = np.zeros((classes, classes), np.int64)

    def add(self, truth: np.ndarray, prediction: np.ndarray) -> None:
        n = len(self.counts)
        seen = truth < n
        pairs = truth[seen].astype(np.int64) * n + prediction[seen]
        self.counts += np.bincount(pairs, minlength=n * n).reshape(n, n)

    def iou(self) -> np.ndarray:
        """(classes,): intersection over union; NaN for a class that is neither there nor predicted."""
        both = np.diag(self.counts)
        either = self.counts.sum(0) + self.counts.sum(1) - both
        return np.divide(both, either, out=np.full(len(both), np.nan), where=either > 0)

    def mean_iou(self) -> float:
        return float(np.nanmean(self.iou()))

    def accuracy(self) -> float:
        """The share of pixels that are right."""
        return float(np.diag(self.counts).sum() / max(self.counts.sum(), 1))
