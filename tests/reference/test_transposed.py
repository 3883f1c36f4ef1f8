"""Transposed convolution: the lecture's worked example, every option, and that it is the transpose."""

from itertools import product

import numpy as np
import pytest

from pellucid.errors import UsageError
from pellucid.reference.convolution import conv
from pellucid.reference.transposed import (
    conv_transpose,
    conv_transpose_backward_bias,
    conv_transpose_backward_data,
    conv_transpose_backward_weight,
)
from tests.reference.cases import Case, holds, random_values


def transposed_case(size, kernel, output_padding=0, channels=(4, 4), **options) -> Case:
    groups = options.get("groups", 1)
    ic, oc = channels
    label = f"{size} * {kernel} {channels} +{output_padding} {options}"
    values = random_values(label, x=(2, *size, ic), weight=(ic, oc // groups, *kernel), bias=(oc,))

    def by_torch(x, weight, bias):
        from torch.nn import functional

        f = (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d)[len(kernel) - 1]
        return f(x.movedim(-1, 1), weight, bias, output_padding=output_padding, **options).movedim(1, -1)

    return Case(
        f"transposed convolution {len(kernel)}D",
        label,
        values,
        lambda x, weight, bias: conv_transpose(x, weight, bias, output_padding=output_padding, **options),
        {
            "x": lambda dy, x, weight, bias: conv_transpose_backward_data(dy, weight, size, **options),
            "weight": lambda dy, x, weight, bias: conv_transpose_backward_weight(dy, x, kernel, **options),
            "bias": lambda dy, x, weight, bias: conv_transpose_backward_bias(dy),
        },
        by_torch,
    )


def options(kernels, strides, paddings, dilations, groups, output_paddings):
    for k, s, p, d, g, e in product(kernels, strides, paddings, dilations, groups, output_paddings):
        if np.all(np.asarray(e) < np.maximum(s, d)):
            yield k, {"stride": s, "padding": p, "dilation": d, "groups": g, "output_padding": e}


CASES = [
    transposed_case((5,), k, **o) for k, o in options([(1,), (3,), (4,)], [1, 2, 3], [0, 1], [1, 2], [1, 2], [0, 1])
]
CASES += [
    transposed_case((3, 4), k, **o)
    for k, o in options([(2, 2), (3, 3), (4, 3)], [1, 2, (1, 3)], [0, 1], [1, 2], [1, 2, 4], [0, 1])
]
CASES += [
    transposed_case((2, 3, 2), k, channels=(2, 4), **o)
    for k, o in options([(2, 2, 2), (3, 2, 3)], [1, 2], [0, 1], [1, 2], [1, 2], [0, 1])
]
CASES += [transposed_case((1, 1), (3, 3), channels=(1, 1)), transposed_case((1, 2), (3, 2), channels=(3, 6), groups=3)]
test_case = holds(CASES)


def test_worked_example() -> None:
    """[25 31; 43 49] *T [0 1; 2 3] = [0 25 31; 50 180 142; 86 227 147]."""
    y = conv_transpose(np.array([[25.0, 31], [43, 49]]).reshape(1, 2, 2, 1), np.arange(4.0).reshape(1, 1, 2, 2))
    assert y[0, ..., 0].tolist() == [[0, 25, 31], [50, 180, 142], [86, 227, 147]]


@pytest.mark.parametrize(("kernel", "stride", "padding", "expected"), [(3, 1, 1, 8), (4, 2, 1, 16), (3, 1, 0, 10)])
def test_sizes_of_the_lecture(kernel: int, stride: int, padding: int, expected: int) -> None:
    """Kernel 3 with padding 1 keeps the size, kernel 4 with stride 2 and padding 1 doubles it, kernel 3 adds two."""
    y = conv_transpose(np.zeros((1, 8, 8, 1)), np.zeros((1, 1, kernel, kernel)), stride=stride, padding=padding)
    assert y.shape == (1, expected, expected, 1)


@pytest.mark.parametrize("stride", [1, 2])
def test_it_is_the_transpose(stride: int) -> None:
    """<conv(x), y> = <x, conv_transpose(y)> for any x and y."""
    v = random_values("inner product", x=(1, 7, 7, 3), weight=(2, 3, 3, 3))
    y = conv(v["x"], v["weight"], stride=stride)
    v2 = random_values("other side", y=y.shape)["y"]
    np.testing.assert_allclose(np.vdot(y, v2), np.vdot(v["x"], conv_transpose(v2, v["weight"], stride=stride)))


def test_refusals_name_what_was_seen() -> None:
    with pytest.raises(UsageError, match="output padding is too large; seen: 2; expected: less than 2"):
        conv_transpose(np.zeros((1, 3, 3, 1)), np.zeros((1, 1, 3, 3)), stride=2, output_padding=2)
    with pytest.raises(UsageError, match="values and weights do not fit"):
        conv_transpose(np.zeros((1, 3, 3, 2)), np.zeros((1, 1, 3, 3)))
