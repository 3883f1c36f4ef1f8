"""`python docs/pictures.py`: the before-and-after picture of the README, from a CC0 photograph in `examples/`.

A photograph is made three times smaller and brought back; a part of it is shown enlarged twice, pixel by pixel, so that
a reader sees pixels: the small picture, bicubic interpolation, our network, the original.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import pellucid
from pellucid.picture import Picture, read, write
from pellucid.resample import imresize

SCALE, ZOOM, GAP = 3, 2, 6
PART = slice(60, 186), slice(108, 240)
PHOTOGRAPH = Path(__file__).parents[1] / "examples" / "photographs" / "chelsea.png"
TARGET = Path(__file__).parent / "pictures" / "before-and-after.png"


def main() -> None:
    original = read(PHOTOGRAPH).pixels
    h, w = (side // SCALE * SCALE for side in original.shape[:2])
    original = original[:h, :w]
    small = imresize(original, 1 / SCALE)
    columns = [enlarged(small, SCALE), imresize(small, SCALE), pellucid.load("superres-x3")(small), original]
    white = np.full((ZOOM * (PART[0].stop - PART[0].start), GAP, 3), 255, np.uint8)
    parts = [piece for column in columns for piece in (enlarged(column[PART], ZOOM), white)]
    TARGET.parent.mkdir(exist_ok=True)
    write(TARGET, Picture(np.concatenate(parts[:-1], axis=1)), overwrite=True)
    print(TARGET)


def enlarged(pixels: np.ndarray, times: int) -> np.ndarray:
    return pixels.repeat(times, 0).repeat(times, 1)


if __name__ == "__main__":
    main()
