"""The down-scaler against MATLAB's own files, and the row by row resampler against the whole picture."""

from pathlib import Path

import numpy as np
import pytest

from pellucid.errors import UsageError
from pellucid.picture import read
from pellucid.resample import RowResampler, box_average, cubic, imresize, resize_weights

DATA = Path(__file__).parents[2] / "shared" / "data" / "test"


def random_picture(h: int, w: int, c: int, dtype: type, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (
        rng.integers(0, 256, (h, w, c)).astype(dtype)
        if dtype in (np.uint8, np.uint16)
        else rng.random((h, w, c), dtype)
    )


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", ["Set5", "Set14"])
def test_down_scaling_equals_matlabs_files_in_every_pixel(name: str, scale: int) -> None:
    if not DATA.is_dir():
        pytest.skip(f"no test pictures at {DATA}")
    originals = sorted((DATA / name.lower()).glob("*.bmp"))
    assert originals
    for i, path in enumerate(originals, start=1):
        original = read(path).pixels
        h, w, _ = original.shape
        ours = imresize(original[: h // scale * scale, : w // scale * scale], 1 / scale)
        matlab = read(DATA / "matlab_lr" / name / f"x{scale}" / f"img_{i:03}_SRF_{scale}_LR.png").pixels
        assert ours.shape == matlab.shape, path.name
        np.testing.assert_array_equal(ours, matlab, err_msg=path.name)  # the claim is one grey level; it is none


def test_known_weights() -> None:
    halves = resize_weights(8, 4, 0.5)  # by hand: cubic(k/2 + 1/4) / 2 for k = 0, 1, 2, 3, and back
    expected = np.array([-3, -9, 29, 111, 111, 29, -9, -3]) / 256
    np.testing.assert_allclose(halves.weights[1], expected, atol=1e-15)
    np.testing.assert_array_equal(halves.indices[1], [0, 0, 1, 2, 3, 4, 5, 6])
    np.testing.assert_allclose(cubic(np.array([0, 0.5, 1, 1.5, 2, 3])), [1, 0.5625, 0, -0.0625, 0, 0])


@pytest.mark.parametrize(
    "n_in, n_out, scale", [(9, 27, 3), (9, 3, 1 / 3), (1, 2, 2), (7, 5, 5 / 7), (10, 7, 0.61), (5, 5, 1)]
)
def test_the_matrix_and_the_sparse_form_agree_and_keep_constants(n_in: int, n_out: int, scale: float) -> None:
    resize = resize_weights(n_in, n_out, scale)
    x = np.random.default_rng(0).random(n_in)
    assert resize.dense().shape == (n_out, n_in)
    np.testing.assert_allclose(resize.dense() @ x, (resize.weights * x[resize.indices]).sum(axis=1), atol=1e-14)
    np.testing.assert_allclose(resize.dense().sum(axis=1), 1, atol=1e-14)


def test_a_picture_is_its_rows_and_columns_times_the_matrices() -> None:
    x = random_picture(11, 8, 3, np.float64)
    rows, columns = resize_weights(11, 22, 2).dense(), resize_weights(8, 16, 2).dense()
    np.testing.assert_allclose(imresize(x, 2), np.einsum("ai,bj,ijc->abc", rows, columns, x), atol=1e-13)


def test_scale_one_changes_nothing() -> None:
    x = random_picture(5, 6, 3, np.uint8)
    np.testing.assert_array_equal(imresize(x, 1), x)


def test_sizes_are_rounded_up_and_may_be_given() -> None:
    x = random_picture(10, 7, 1, np.float32)
    assert imresize(x, 1 / 3).shape == (4, 3, 1)
    assert imresize(x, 2.5).shape == (25, 18, 1)
    assert imresize(x, size=(3, 20)).shape == (3, 20, 1)
    assert imresize(x, 3).dtype == np.float32


def test_whole_numbers_round_half_away_from_zero_and_stay_in_range() -> None:
    step = np.repeat(np.array([0, 255], np.uint8), 8)[None, :, None].repeat(4, axis=0)
    up = imresize(step, 2)
    assert up.dtype == np.uint8 and up.min() == 0 and up.max() == 255  # the overshoot is clipped, not wrapped
    deep = imresize(step.astype(np.uint16) * 257, 2)
    assert deep.dtype == np.uint16 and deep.max() == 65535
    assert box_average(np.array([[[1], [2]], [[1], [2]]], np.uint8), 2)[0, 0, 0] == 2  # 1.5 -> 2
    assert box_average(np.array([[[2], [3]], [[2], [3]]], np.uint8), 2)[0, 0, 0] == 3  # 2.5 -> 3, not 2


def test_box_average_is_the_mean_of_blocks() -> None:
    x = random_picture(6, 9, 2, np.float64)
    y = box_average(x, 3)
    assert y.shape == (2, 3, 2)
    np.testing.assert_allclose(y[1, 2], x[3:6, 6:9].mean(axis=(0, 1)))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("scale", [2, 3, 4, 1, 1.7, 0.4])
@pytest.mark.parametrize("h, chunk", [(1, 1), (2, 1), (23, 1), (23, 5), (23, 23)])
def test_row_by_row_has_the_bits_of_the_whole(h: int, chunk: int, scale: float, dtype: type) -> None:
    x = random_picture(h, 6, 1, dtype)
    stream = RowResampler(h, 6, scale)
    parts, held = [], 0
    for y in range(0, h, chunk):
        parts.append(stream.push(x[y : y + chunk]))
        held = max(held, len(stream._rows))
    np.testing.assert_array_equal(np.concatenate(parts), imresize(x, scale))
    assert held <= chunk + 4 / min(scale, 1) + 2, "it holds more rows than the kernel reaches"


def test_rows_come_out_as_soon_as_they_are_final() -> None:
    stream = RowResampler(100, 4, 3)
    counts = [len(stream.push(np.zeros((1, 4, 1), np.uint8))) for _ in range(100)]
    assert sum(counts) == 300 and counts[50] == 3
    assert stream.finish().shape == (0, 12, 1)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: imresize(np.zeros((4, 4)), 2), "(h, w, c)"),
        (lambda: imresize(np.zeros((4, 4, 1)), 2, size=(8, 8)), "exactly one"),
        (lambda: imresize(np.zeros((4, 4, 1))), "exactly one"),
        (lambda: imresize(np.zeros((4, 4, 1)), 0), "positive"),
        (lambda: imresize(np.zeros((4, 4, 1)), float("nan")), "positive"),
        (lambda: imresize(np.zeros((4, 4, 1)), size=(0, 3)), "no picture"),
        (lambda: imresize(np.zeros((0, 4, 1)), 2), "no picture"),
        (lambda: box_average(np.zeros((4, 5, 1)), 2), "multiple"),
        (lambda: RowResampler(4, 4, 2).finish(), "4 rows"),
        (lambda: RowResampler(4, 4, 2).push(np.zeros((5, 4, 1))), "4 rows of 4"),
    ],
)
def test_bad_input_is_named(call, words: str) -> None:
    with pytest.raises(UsageError, match=".*") as error:
        call()
    assert words in str(error.value)
