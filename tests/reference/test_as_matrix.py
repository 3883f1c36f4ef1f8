"""im2col and the explicit matrix: the lecture's matrix itself, and agreement with the convolution over its options."""

from itertools import product

import numpy as np
import pytest

from pellucid.reference.as_matrix import col2im, conv_by_im2col, im2col, toeplitz
from pellucid.reference.convolution import conv, conv_backward_data
from tests.reference.cases import Case, holds, random_values

OPTIONS = [
    {"stride": s, "padding": p, "dilation": d} for s, p, d in product([1, 2, (1, 3)], [0, 1, ((2, 0), (1, 1))], [1, 2])
]


def im2col_case(size, kernel, **options) -> Case:
    label = f"{size} * {kernel} {options}"

    def by_torch(x):
        from torch.nn import functional

        return functional.unfold(x.movedim(-1, 1), kernel, **options).movedim(1, 2)

    return Case(
        "im2col",
        label,
        random_values(label, x=(2, *size, 3)),
        lambda x: im2col(x, kernel, **options),
        {"x": lambda dy, x: col2im(dy, size, kernel, **options)},
        by_torch if np.ndim(options["padding"]) < 2 and len(kernel) == 2 else None,
    )


CASES = [im2col_case((7, 6), k, **o) for k, o in product([(1, 1), (3, 2)], OPTIONS)]
CASES += [im2col_case((8,), (3,), stride=s, padding=1, dilation=1) for s in (1, 2)]
test_case = holds(CASES)


def test_the_matrix_of_the_lecture() -> None:
    matrix = toeplitz(np.arange(4.0).reshape(1, 1, 2, 2), (3, 3))
    assert matrix.tolist() == [
        [0, 1, 0, 2, 3, 0, 0, 0, 0],
        [0, 0, 1, 0, 2, 3, 0, 0, 0],
        [0, 0, 0, 0, 1, 0, 2, 3, 0],
        [0, 0, 0, 0, 0, 1, 0, 2, 3],
    ]
    assert (matrix @ np.arange(1.0, 10)).tolist() == [25, 31, 43, 49]
    assert (matrix.T @ [25.0, 31, 43, 49]).tolist() == [0, 25, 31, 50, 180, 142, 86, 227, 147]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_three_ways_to_convolve(options: dict) -> None:
    v = random_values(str(options), x=(2, 6, 7, 3), weight=(4, 3, 3, 2), bias=(4,))
    y = conv(v["x"], v["weight"], **options)
    np.testing.assert_allclose(conv_by_im2col(v["x"], v["weight"], v["bias"], **options), y + v["bias"], atol=1e-12)
    matrix = toeplitz(v["weight"], (6, 7), **options)
    np.testing.assert_allclose(v["x"].reshape(2, -1) @ matrix.T, y.reshape(2, -1), atol=1e-12)
    back = conv_backward_data(y, v["weight"], (6, 7), **options)
    np.testing.assert_allclose(y.reshape(2, -1) @ matrix, back.reshape(2, -1), atol=1e-11)


@pytest.mark.parametrize("size", [(6,), (3, 4, 3)])
def test_the_matrix_in_one_and_three_dimensions(size: tuple[int, ...]) -> None:
    kernel = (2,) * len(size)
    v = random_values(str(size), x=(1, *size, 2), weight=(3, 2, *kernel))
    y = toeplitz(v["weight"], size, stride=2, padding=1) @ v["x"].reshape(-1)
    np.testing.assert_allclose(y, conv(v["x"], v["weight"], stride=2, padding=1).reshape(-1), atol=1e-12)
