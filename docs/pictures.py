"""`python docs/pictures.py`: the before-and-after pictures of the documents, from a CC0 photograph in `examples/`.

A photograph is made three times smaller and brought back: the small picture, bicubic interpolation, our network, the
original. The small picture is stored as JPEG first: bicubic interpolation, the network for clean pictures, the one for
photographs (where it ships), the original. Noise is added and taken out: the noisy picture, non-local means, our
network, the original. Noise as a camera leaves it, the networks for white noise and for a camera's, both by what they
measure themselves, the original. A part is shown enlarged twice, pixel by pixel, so that a reader sees pixels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import pellucid
from pellucid import models
from pellucid.evaluate import as_jpeg, camera_noise, noise, runner
from pellucid.metrics import psnr
from pellucid.picture import Picture, from_float, read, to_float, write
from pellucid.resample import imresize
from pellucid.tasks.denoise import denoise
from pellucid.tasks.non_local_means import non_local_means

SCALE, ZOOM, GAP = 3, 2, 6
PART = slice(60, 186), slice(108, 240)
PHOTOGRAPH = Path(__file__).parents[1] / "examples" / "photographs" / "chelsea.png"
FOLDER = Path(__file__).parent / "pictures"

SIGMA = 25  # grey levels
QUALITY = 50
CAMERA = 20  # grey levels at middle grey


def main() -> None:
    original = read(PHOTOGRAPH).pixels
    show("before-and-after.png", superres(original))
    show("denoising.png", denoised(original))
    show("camera-noise.png", from_camera(original))
    if "superres-x3-photo" in models.names():
        show("from-jpeg.png", from_jpeg(original))


def superres(original: np.ndarray) -> list[np.ndarray]:
    original = cut(original)
    small = imresize(original, 1 / SCALE)
    return [enlarged(small, SCALE), imresize(small, SCALE), pellucid.load("superres-x3")(small), original]


def from_jpeg(original: np.ndarray) -> list[np.ndarray]:
    original = cut(original)
    small = as_jpeg(imresize(original, 1 / SCALE), QUALITY)
    ours = [pellucid.load(name)(small) for name in ("superres-x3", "superres-x3-photo")]
    return [imresize(small, SCALE), *ours, original]


def cut(pixels: np.ndarray) -> np.ndarray:
    """To a multiple of the scale."""
    h, w = (side // SCALE * SCALE for side in pixels.shape[:2])
    return pixels[:h, :w]


def denoised(original: np.ndarray) -> list[np.ndarray]:
    noisy = to_float(original) + noise(PHOTOGRAPH.name, original.shape, SIGMA / 255)
    classical = non_local_means(noisy, SIGMA / 255)
    ours = runner(pellucid.load("denoise-colour"), sigma=SIGMA)(noisy)
    return [from_float(x, np.uint8) for x in (noisy, classical, ours)] + [original]


def from_camera(original: np.ndarray) -> list[np.ndarray]:
    clean = to_float(original)
    noisy = from_float(clean + camera_noise(PHOTOGRAPH.name, clean, CAMERA / 255), np.uint8)
    cleaned = [denoise(pellucid.load(name), noisy) for name in ("denoise-colour", "denoise-photo")]
    for what, x in zip(("noisy", "denoise-colour", "denoise-photo"), (noisy, *cleaned), strict=True):
        print(f"{what}: {psnr(to_float(original), to_float(x), border=0, peak=1):.2f} dB")
    return [noisy, *cleaned, original]


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
