"""Frames with a class for every pixel, from two folders side by side [D14]: `test` and `testannot`, say.

Labels are grey pictures whose values are class numbers, under the frames' names; the number after the last class is
void, which neither losses nor figures count. Everything is checked when it is read.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pellucid.errors import DatabaseError
from pellucid.picture import is_picture_name, read

LABELS = "annot"
"""What a folder of labels has behind the name of its frames' folder."""


def frames_with_labels(folder: Path) -> list[tuple[Path, Path]]:
    """Each frame of a folder and the file of its labels; refuses an empty folder, and frames without labels."""
    beside = folder.with_name(folder.name + LABELS)
    for there in (folder, beside):
        if not there.is_dir():
            raise DatabaseError("no such folder", seen=there, expected=f"frames in {folder}, labels in {beside}")
    pairs = [(file, beside / f"{file.stem}.png") for file in sorted(folder.iterdir()) if is_picture_name(file)]
    if not pairs:
        raise DatabaseError("there are no frames", seen=folder)
    for file, labels in pairs:
        if not labels.exists():
            raise DatabaseError("a frame has no labels", seen=file, expected=labels)
    return pairs


def read_labelled(file: Path, labels: Path, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """One frame (h, w, 3) uint8 and its classes (h, w) uint8, 0 to `classes`, the last of which is void."""
    frame, label = read(file).pixels, read(labels).pixels
    for path, pixels in ((file, frame), (labels, label)):
        if pixels.dtype != np.uint8:
            raise DatabaseError(f"{path}: not a picture of 8 bits", seen=pixels.dtype)
    if frame.shape[:2] != label.shape[:2] or label.shape[2] != 1:
        raise DatabaseError(f"{labels}: labels do not fit", seen=label.shape, expected=(*frame.shape[:2], 1))
    if label.max() > classes:
        raise DatabaseError(f"{labels}: no such class", seen=int(label.max()), expected=f"0 to {classes}")
    return np.repeat(frame, 3 // frame.shape[2], axis=2), label[..., 0]
