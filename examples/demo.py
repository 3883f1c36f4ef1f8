"""`make demo`: a photograph is made three times smaller, and brought back to its size by a trained network and by
bicubic interpolation. Both are compared with the original; the pictures and their figures go into the folder `demo`."""

from pathlib import Path
from time import perf_counter

import numpy as np

import pellucid
from pellucid.metrics import luma, psnr
from pellucid.picture import Picture, read, write
from pellucid.resample import imresize

SCALE = 3
PHOTOGRAPH = Path(__file__).parent / "photographs" / "chelsea.png"
FOLDER = Path(__file__).parents[1] / "demo"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    original = read(PHOTOGRAPH).pixels  # (h, w, 3) uint8
    h, w = (side // SCALE * SCALE for side in original.shape[:2])
    original = original[:h, :w]
    small = imresize(original, 1 / SCALE)
    bicubic = imresize(small, SCALE)

    network = pellucid.load(f"superres-x{SCALE}")
    network(small)  # the first call warms up
    start = perf_counter()
    upscaled = network(small)
    seconds = perf_counter() - start

    def save(name: str, pixels: np.ndarray) -> Path:
        write(FOLDER / name, Picture(pixels), overwrite=True)
        return FOLDER / name

    def decibels(pixels: np.ndarray) -> float:
        return psnr(luma(pixels), luma(original), border=SCALE, peak=255)

    save("small.png", small)
    save("bicubic.png", bicubic)
    result = save(f"{network.name}.png", upscaled)
    larger = save("original-x3.png", network(original))
    nearest = small.repeat(SCALE, 0).repeat(SCALE, 1)
    strip = save("side-by-side.png", np.concatenate([nearest, bicubic, upscaled, original], axis=1))

    print(f"photograph      {PHOTOGRAPH.name}, {w} x {h}; made {SCALE} times smaller, then brought back:")
    print(f"bicubic         {decibels(bicubic):.2f} dB  (PSNR, luma, {SCALE} pixels of border cut)")
    print(f"{network.name:<15} {decibels(upscaled):.2f} dB  in {seconds * 1000:.0f} ms")
    print(f"side by side    {strip}")
    print(f"result          {result}")
    print(f"the photograph itself, {SCALE} times larger: {larger}")


if __name__ == "__main__":
    main()
