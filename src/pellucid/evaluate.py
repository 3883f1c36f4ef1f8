"""A model measured on a folder of pictures, by a stated protocol, with a simple method beside it.

`evaluate_superres` makes each picture smaller as MATLAB does and lets the model bring it back; `evaluate_denoise` adds
white Gaussian noise and lets the model take it away, `evaluate_camera` such noise as cameras leave in their files. All
return a `Report`. What is measured is any function from a float
picture to a float picture (`Run`); `runner` makes one from a network. Nothing here prints, and nothing is written.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from pellucid.errors import PellucidError, PictureError, UsageError
from pellucid.metrics import Protocol, gmsd, luma, psnr, ssim
from pellucid.picture import Picture, from_float, is_picture_name, read, to_float, write
from pellucid.picture.depths import to_depth
from pellucid.report import Figures, PictureFigures, Report
from pellucid.resample import imresize
from pellucid.tasks.ensemble import ensemble
from pellucid.whole_picture import run_array

if TYPE_CHECKING:
    from pellucid.network import Network

Run = Callable[[np.ndarray], np.ndarray]
"""(h, w, c) float32 in 0..1 -> the same, enlarged or cleaned; c is 1 or 3."""

Data = str | Path | Sequence[Path]
"""A folder of pictures, or the pictures themselves."""

SHARED, SHADOWS = 0.4, 0.4
"""Of a camera's noise: what a pixel has of its neighbours', and how dark parts gain. Networks learned with a range of
both, drawn otherwise."""

Progress = Callable[[int, int, str], None]
"""Told (pictures done, pictures in all, the name of the next one, or nothing at the end)."""


def evaluate_superres(
    run: Run,
    data: Data,
    scale: int,
    *,
    quality: int | None = None,
    name: str = "model",
    how: str = "",
    progress: Progress | None = None,
) -> Report:
    """PSNR and SSIM of `scale` times super-resolution over a folder, bicubic interpolation beside it. [C2, D1]

    With `quality` the small picture goes through a JPEG file of that quality first.
    """
    if scale < 2:
        raise UsageError("nothing to enlarge", seen=f"scale {scale}", expected="a whole number of at least 2")
    given = "low-resolution input made by MATLAB's bicubic and rounded to 8 bits"
    given += f", then stored as JPEG of quality {quality}" if quality else ""
    protocol = Protocol(channel="Y", border=scale, given=given, rounded=True)

    def measure(original: np.ndarray, name: str) -> PictureFigures:
        h, w = (side // scale * scale for side in original.shape[:2])
        whole = original[:h, :w]
        small = imresize(whole, 1 / scale)  # (h/scale, w/scale, c) uint8
        small = as_jpeg(small, quality) if quality else small
        large, seconds = _timed(run, to_float(small), whole.shape)
        ours, beside = (_luma_figures(x, whole, scale) for x in (_to_bytes(large), imresize(small, scale)))
        return PictureFigures(name, ours, beside, None, seconds)

    return _over_folder(measure, Report(name, how, f"scale {scale}", "bicubic", protocol), data, progress)


def evaluate_denoise(
    run: Run,
    data: Data,
    sigma: float,
    *,
    as_files: bool = True,
    name: str = "model",
    how: str = "",
    progress: Progress | None = None,
) -> Report:
    """PSNR and SSIM after Gaussian noise of `sigma` grey levels was added and removed, nothing done beside it. [D2]

    With `as_files` a second time from and to pictures of 8 bits.
    """
    _check_level(sigma)
    given = f"Gaussian noise of sigma {sigma:g} of 255 added in float, seeded by the picture's name"
    also = "and once more with noisy input and output both clipped and rounded to 8 bits, as files are" * as_files
    protocol = Protocol(channel="all", border=0, given=given, rounded=False, also=also)

    def measure(original: np.ndarray, name: str) -> PictureFigures:
        clean = to_float(original)
        noisy = clean + noise(name, clean.shape, sigma / 255)
        cleaned, seconds = _timed(run, noisy, clean.shape)
        ours, beside = (_figures(x, clean, 0, 1) for x in (cleaned, noisy))
        return PictureFigures(name, ours, beside, in_files(noisy, clean) if as_files else None, seconds)

    def in_files(noisy: np.ndarray, clean: np.ndarray) -> Figures:
        stored = run(to_float(_to_bytes(noisy)))
        return _figures(to_float(_to_bytes(stored)), clean, 0, 1)

    return _over_folder(measure, Report(name, how, f"sigma {sigma:g}", "noisy", protocol), data, progress)


def evaluate_camera(
    run: Run, data: Data, sigma: float, *, name: str = "model", how: str = "", progress: Progress | None = None
) -> Report:
    """The same with noise as `camera_noise` draws it, from and to pictures of 8 bits, as cameras store them."""
    _check_level(sigma)
    given = (
        f"noise as a camera leaves it, of sigma {sigma:g} of 255 at middle grey: each pixel has {SHARED:g} of its "
        f"neighbours' above, below, left and right, and it goes with (brightness + 0.1) ^ -{SHADOWS:g}; seeded by the "
        "picture's name, clipped and rounded to 8 bits"
    )
    protocol = Protocol(channel="all", border=0, given=given, rounded=True)

    def measure(original: np.ndarray, name: str) -> PictureFigures:
        clean = to_float(original)
        noisy = to_float(_to_bytes(clean + camera_noise(name, clean, sigma / 255)))
        cleaned, seconds = _timed(run, noisy, clean.shape)
        ours, beside = (_figures(x, clean, 0, 1) for x in (to_float(_to_bytes(cleaned)), noisy))
        return PictureFigures(name, ours, beside, None, seconds)

    return _over_folder(measure, Report(name, how, f"a camera's sigma {sigma:g}", "noisy", protocol), data, progress)


def _check_level(sigma: float) -> None:
    if not 0 < sigma <= 255:
        raise UsageError("the noise level is out of range", seen=sigma, expected="grey levels, above 0 and up to 255")


def runner(
    network: Network,
    *,
    sigma: float | None = None,
    precision: str = "auto",
    threads: int | None = None,
    self_ensemble: bool = False,
) -> Run:
    """A function from picture to picture that runs `network`, whatever its number of channels.

    Grey pictures go to colour networks as three equal channels, colour pictures through grey networks channel by
    channel, as everywhere else. A denoising network of two or four channels takes the noise level in its last one, as
    a constant map of sigma / 255.
    """
    extra = int(sigma is not None and network.graph.channels in (2, 4))

    def once(x: np.ndarray) -> np.ndarray:  # (n, h, w, c) -> (n, h', w', c')
        if extra:
            level = np.full((*x.shape[:3], 1), (sigma or 0) / 255, np.float32)
            x = np.concatenate([x, level], axis=3)  # (n, h, w, c + 1)
        return network.run(x, precision=precision, threads=threads)

    def batch(x: np.ndarray) -> np.ndarray:
        return ensemble(once, x) if self_ensemble else once(x)

    return lambda picture: run_array(batch, network.graph.channels - extra, picture)


def bicubic(scale: int) -> Run:
    """The classical method as a model: MATLAB's bicubic interpolation of the 8-bit picture."""
    return lambda x: to_float(imresize(_to_bytes(x), scale))


def named_in(file: str | Path, folder: str | Path) -> list[Path]:
    """The pictures of a folder that a text file names, one in a line: a published subset, such as CBSD68 of B100."""
    try:
        names = Path(file).read_text("utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise PictureError("the list of pictures cannot be read", seen=f"{file}: {error}") from None
    found = {path.name: path for path in pictures_in(folder)}
    missing = [name for name in names if name not in found]
    if missing or not names:
        raise PictureError("the list names other pictures", seen=", ".join(missing[:3]) or "none", expected=folder)
    return [found[name] for name in names]


def noise(name: str, shape: tuple[int, ...], sigma: float) -> np.ndarray:
    """Gaussian noise that depends on the picture's name (without folder and suffix) and nothing else. float32"""
    seed = int.from_bytes(hashlib.sha256(Path(name).stem.encode()).digest()[:8], "little")
    return (sigma * np.random.Generator(np.random.PCG64(seed)).standard_normal(shape)).astype(np.float32)


def camera_noise(name: str, clean: np.ndarray, sigma: float) -> np.ndarray:
    """Noise that neighbouring pixels share, as reconstruction of colours and smoothing leave it, and that is stronger
    in the shadows, as a tone curve makes it; `sigma` is that at middle grey. (h, w, c) in 0..1 -> the same, float32"""
    grain = noise(name, clean.shape, 1.0)
    for axis in (0, 1):
        beside = np.roll(grain, 1, axis) + np.roll(grain, -1, axis)
        grain = (grain + SHARED * beside) / np.sqrt(1 + 2 * SHARED**2)
    gain = ((clean.mean(axis=2, keepdims=True) + 0.1) / 0.6) ** -SHADOWS
    return (sigma * gain * grain).astype(np.float32)


def as_jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    """What a JPEG file of this quality keeps of a picture. (h, w, c) uint8 -> the same"""
    file = io.BytesIO()
    write(file, Picture(pixels), format="jpeg", quality=quality)
    return read(file.getvalue()).pixels


def pictures_in(data: Data) -> list[Path]:
    """The picture files of a folder, sorted by name; subfolders are not entered."""
    if not isinstance(data, (str, Path)):
        return list(data)
    folder = Path(data)
    if not folder.is_dir():
        what = "the data is not a folder" if folder.exists() else "there is no such folder"
        raise PictureError(what, seen=folder, expected="a folder with picture files")
    found = sorted(path for path in folder.iterdir() if is_picture_name(path) and path.is_file())
    if not found:
        raise PictureError("the folder holds no pictures", seen=folder, hint="name a folder with picture files")
    return found


def _over_folder(
    measure: Callable[[np.ndarray, str], PictureFigures], report: Report, data: Data, progress: Progress | None
) -> Report:
    """Measures every picture; those that can't be read or measured become failures with their reason."""
    paths = pictures_in(data)
    for i, path in enumerate(paths):
        if progress:
            progress(i, len(paths), path.name)
        try:
            report.pictures.append(measure(to_depth(read(path).pixels, "8"), path.name))
        except PellucidError as error:
            report.failures[path.name] = str(error)
    if progress:
        progress(len(paths), len(paths), "")
    if not report.pictures:
        name, why = next(iter(report.failures.items()))
        raise PictureError(f"none of the {len(paths)} pictures could be measured", seen=f"{name}: {why}")
    return report


def _timed(run: Run, x: np.ndarray, expected: tuple[int, ...]) -> tuple[np.ndarray, float]:
    """The result and the seconds per megapixel of result."""
    start = perf_counter()
    y = run(x)
    seconds = perf_counter() - start
    if y.shape != expected:
        raise UsageError("the model's result has another size", seen=y.shape, expected=expected)
    return y, seconds / (y.shape[0] * y.shape[1] / 1e6)


def _luma_figures(result: np.ndarray, original: np.ndarray, border: int) -> Figures:
    return _figures(luma(result), luma(original), border, 255)


def _figures(result: np.ndarray, original: np.ndarray, border: int, peak: float) -> Figures:
    return Figures(*(measure(result, original, border=border, peak=peak) for measure in (psnr, ssim, gmsd)))


def _to_bytes(x: np.ndarray) -> np.ndarray:
    return from_float(x, np.uint8)
