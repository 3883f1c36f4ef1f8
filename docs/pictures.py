"""`python docs/pictures.py`: the before-and-after pictures of the documents, from a CC0 photograph in `examples/`.

A photograph is made three times smaller and brought back: the small picture, bicubic interpolation, our network, the
original. Noise is added to it and taken out: the noisy picture, non-local means, our network, the original. A part is
shown enlarged twice, pixel by pixel, so that a reader sees pixels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import pellucid
from pellucid.evaluate import noise, runner
from pellucid.picture import Picture, from_float, read, to_float, write
from pellucid.resample import imresize
from pellucid.tasks.non_local_means import non_local_means

SCALE, ZOOM, GAP = 3, 2, 6
PART = slice(60, 186), slice(108, 240)
PHOTOGRAPH = Path(__file__).parents[1] / "examples" / "photographs" / "chelsea.png"
FOLDER = Path(__file__).parent / "pictures"

SIGMA = 25  # grey levels


def main() -> None:
    original = read(PHOTOGRAPH).pixels
    show("before-and-after.png", superres(original))
    show("denoising.png", denoised(original))


def superres(original: np.ndarray) -> list[np.ndarray]:
    h, w = (side // SCALE * SCALE for side in original.shape[:2])
    original = original[:h, :w]
    small = imresize(original, 1 / SCALE)
    return [enlarged(small, SCALE), imresize(small, SCALE), pellucid.load("superres-x3")(small), original]


def denoised(original: np.ndarray) -> list[np.ndarray]:
    noisy = to_float(original) + noise(PHOTOGRAPH.name, original.shape, SIGMA / 255)
    classical = non_local_means(noisy, SIGMA / 255)
    ours = runner(pellucid.load("denoise-colour"), sigma=SIGMA)(noisy)
    return [from_float(x, np.uint8) for x in (noisy, classical, ours)] + [original]


def show(name: str, columns: list[np.ndarray]) -> None:
    """The same part of every picture, side by side."""
    white = np.full((ZOOM * (PART[0].stop - PART[0].start), GAP, 3), 255, np.uint8)
    parts = [piece for column in columns for piece in (enlarged(column[PART], ZOOM), white)]
    FOLDER.mkdir(exist_ok=True)
    write(FOLDER / name, Picture(np.concatenate(parts[:-1], axis=1)), overwrite=True)
    print(FOLDER / name)


def enlarged(pixels: np.ndarray, times: int) -> np.ndarray:
    return pixels.repeat(times, 0).repeat(times, 1)


if __name__ == "__main__":
    main()
