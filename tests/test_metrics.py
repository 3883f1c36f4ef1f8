"""The measures against their definitions written plainly, and against scikit-image where it has them."""

import math

import numpy as np
import pytest
from scipy.signal import convolve2d

from pellucid.errors import UsageError
from pellucid.metrics import Confusion, Protocol, gmsd, luma, ms_ssim, psnr, ssim


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    smooth = convolve2d(rng.random((60, 47)), np.full((5, 5), 1 / 25), mode="same") * 255
    return smooth, smooth + rng.normal(0, 9, smooth.shape)


def test_psnr_of_a_known_difference() -> None:
    a = np.zeros((10, 10), np.uint8)
    b = a.copy()
    b[2:-2, 2:-2] = 5
    assert psnr(a, b, border=2, peak=255) == pytest.approx(20 * math.log10(255 / 5))
    assert psnr(a, b, border=0, peak=255) == pytest.approx(20 * math.log10(255 / 3))  # 36 of 100 pixels: 9 in the mean
    assert psnr(a, a, border=0, peak=255) == math.inf
    assert psnr(b, a, border=0, peak=255) == psnr(a, b, border=0, peak=255)  # no wrap-around of uint8


def test_luma_is_matlabs() -> None:
    ends = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0]]], np.uint8)
    np.testing.assert_allclose(luma(ends), [[16, 235, 81.481]], atol=1e-9)
    np.testing.assert_allclose(luma(ends / 255) * 255, luma(ends), atol=1e-9)
    grey = np.array([[[7], [9]]], np.uint8)
    np.testing.assert_array_equal(luma(grey), [[7, 9]])


def test_ssim_is_its_definition(pair: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = (v[3:-3, 3:-3] for v in pair)
    at = np.exp(-(np.arange(-5, 6) ** 2) / 4.5)
    window = np.outer(at, at) / np.outer(at, at).sum()

    def mean(v: np.ndarray) -> np.ndarray:
        return convolve2d(v, window, mode="valid")

    c1, c2 = 2.55**2, 7.65**2
    mx, my = mean(x), mean(y)
    sx, sy, sxy = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    expected = (2 * mx * my + c1) * (2 * sxy + c2) / ((mx**2 + my**2 + c1) * (sx + sy + c2))
    assert ssim(*pair, border=3, peak=255) == pytest.approx(expected.mean(), abs=1e-12)
    assert ssim(pair[0], pair[0], border=3, peak=255) == pytest.approx(1)


def test_ssim_agrees_with_another_implementation(pair: tuple[np.ndarray, np.ndarray]) -> None:
    metrics = pytest.importorskip("skimage.metrics")
    theirs = metrics.structural_similarity(
        *pair, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, truncate=3.5
    )  # it leaves out the five outer pixels of each side: our valid region
    assert ssim(*pair, border=0, peak=255) == pytest.approx(theirs, abs=1e-9)


def test_gmsd_is_its_definition(pair: tuple[np.ndarray, np.ndarray]) -> None:
    def gradient(v: np.ndarray) -> np.ndarray:
        half = convolve2d(v, np.full((2, 2), 0.25), mode="full")[1:, 1:][::2, ::2]
        prewitt = np.array([[1, 0, -1]] * 3) / 3
        return np.sqrt(convolve2d(half, prewitt, mode="same") ** 2 + convolve2d(half, prewitt.T, mode="same") ** 2)

    p, q = gradient(pair[0]), gradient(pair[1])
    expected = np.std((2 * p * q + 170) / (p**2 + q**2 + 170), ddof=1)
    assert gmsd(*pair, border=0, peak=255) == pytest.approx(expected, abs=1e-12)
    assert gmsd(pair[0], pair[0], border=0, peak=255) == 0


def test_ms_ssim_of_a_picture_with_itself_and_with_noise() -> None:
    x = np.random.default_rng(1).random((190, 201))
    noise = np.random.default_rng(2).normal(0, 1, x.shape)
    values = [ms_ssim(x, x + s * noise, border=0, peak=1) for s in (0, 0.02, 0.1, 0.5)]
    assert values[0] == pytest.approx(1)
    assert values == sorted(values, reverse=True) and values[3] < 0.8
    assert 0 <= ms_ssim(x, 1 - x, border=0, peak=1) < 0.1  # a negative factor counts as zero, never as NaN


def test_ms_ssim_multiplies_the_scales() -> None:
    """Equal at every scale but the finest: only the first factor can differ from 1."""
    y, x = np.mgrid[:192, :192]
    checks = ((y + x) % 2 - 0.5) * 0.2
    plain = np.full((192, 192), 0.5)
    contrast = 0.03**2 / (0.1**2 + 0.03**2)
    assert ms_ssim(plain, plain + checks, border=0, peak=1) == pytest.approx(contrast**0.0448, rel=1e-3)


def test_ms_ssim_sees_brightness_at_the_coarsest_scale_only() -> None:
    dark, bright = np.full((192, 192), 0.2), np.full((192, 192), 0.4)
    luminance = (2 * 0.08 + 1e-4) / (0.2 + 1e-4)
    assert ms_ssim(dark, bright, border=0, peak=1) == pytest.approx(luminance**0.1333)


@pytest.mark.parametrize("measure", [psnr, ssim, gmsd])
def test_scale_and_channels(measure, pair: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = pair
    assert measure(a / 255, b / 255, border=1, peak=1) == pytest.approx(measure(a, b, border=1, peak=255))
    twice = measure(np.stack([a, a], axis=2), np.stack([b, b], axis=2), border=1, peak=255)
    assert twice == pytest.approx(measure(a, b, border=1, peak=255))


def test_the_protocol_speaks() -> None:
    words = str(Protocol("Y", 3, "low-resolution input made by MATLAB's bicubic and rounded to 8 bits", True))
    assert words.startswith("PSNR on the Y channel (BT.601), border of 3 pixels cut, low-resolution input made by MAT")
    assert "output rounded to 8 bits, SSIM with an 11 x 11 Gaussian" in words
    assert "neither clipped nor rounded" in str(Protocol("all", 0, "noise", False))


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: psnr(np.zeros((3, 3)), np.zeros((3, 4)), border=0, peak=1), "(3, 3) and (3, 4)"),
        (lambda: psnr(np.zeros((4, 4)), np.zeros((4, 4)), border=2, peak=1), "border of 2"),
        (lambda: ssim(np.zeros((20, 12)), np.zeros((20, 12)), border=1, peak=1), "11 x 11"),
        (lambda: ms_ssim(np.zeros((170, 500)), np.zeros((170, 500)), border=0, peak=1), "176 x 176"),
        (lambda: luma(np.zeros((4, 4, 2))), "(h, w, 3)"),
    ],
)
def test_bad_input_is_named(call, words: str) -> None:
    with pytest.raises(UsageError) as error:
        call()
    assert words in str(error.value)


def test_confusion_counts_what_a_loop_would():
    random = np.random.default_rng(0)
    truth, prediction = random.integers(0, 12, (2, 5, 7, 9)).astype(np.uint8)
    prediction %= 11
    confusion = Confusion(11)
    for t, p in zip(truth, prediction, strict=True):
        confusion.add(t, p)
    seen = truth != 11
    expected = [
        ((truth == k) & (prediction == k)).sum() / (((truth == k) | (prediction == k)) & seen).sum() for k in range(11)
    ]
    np.testing.assert_allclose(confusion.iou(), expected)
    assert confusion.mean_iou() == pytest.approx(np.mean(expected))
    assert confusion.accuracy() == pytest.approx((truth == prediction)[seen].mean())


def test_a_class_that_never_appears_does_not_count():
    confusion = Confusion(11)
    confusion.add(np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint8))
    assert confusion.mean_iou() == 1 and np.isnan(confusion.iou()[1:]).all()
