"""Convolution: the first lecture's worked example, every option by central differences, and torch."""

from itertools import product

import numpy as np
import pytest

from pellucid.errors import UsageError
from pellucid.reference.convolution import conv, conv_backward_bias, conv_backward_data, conv_backward_weight
from tests.reference.cases import Case, holds, random_values


def conv_case(size, kernel, channels=(4, 4), **options) -> Case:
    groups = options.get("groups", 1)
    label = f"{size} * {kernel} {channels} {options}"
    ic, oc = channels
    values = random_values(label, x=(2, *size, ic), weight=(oc, ic // groups, *kernel), bias=(oc,))

    def by_torch(x, weight, bias):
        from torch.nn import functional

        f = (functional.conv1d, functional.conv2d, functional.conv3d)[len(kernel) - 1]
        return f(x.movedim(-1, 1), weight, bias, **options).movedim(1, -1)

    return Case(
        f"convolution {len(kernel)}D",
        label,
        values,
        lambda x, weight, bias: conv(x, weight, bias, **options),
        {
            "x": lambda dy, x, weight, bias: conv_backward_data(dy, weight, size, **options),
            "weight": lambda dy, x, weight, bias: conv_backward_weight(dy, x, kernel, **options),
            "bias": lambda dy, x, weight, bias: conv_backward_bias(dy),
        },
        by_torch,
    )


def options_1d() -> list[Case]:
    options = product([(1,), (3,), (4,)], [1, 2, 3], [0, 2], [1, 2], [1, 2])
    return [
        conv_case((9,), k, stride=s, padding=p, dilation=d, groups=g) for k, s, p, d, g in options
    ]  # the longest window, 4 dilated by 2, reaches over 7


def options_2d() -> list[Case]:
    options = product([(1, 1), (3, 3), (2, 3)], [1, 2, (1, 3)], [0, 1, (2, 1)], [1, 2, (2, 1)], [1, 2, 4])
    return [conv_case((7, 6), k, stride=s, padding=p, dilation=d, groups=g) for k, s, p, d, g in options]


def options_3d() -> list[Case]:
    options = product([(2, 2, 2), (1, 3, 2)], [1, 2, (2, 1, 1)], [0, 1], [1, 2], [1, 2])
    cases = [
        conv_case((4, 5, 4), k, channels=(2, 4), stride=s, padding=p, dilation=d, groups=g) for k, s, p, d, g in options
    ]
    return cases


def other_shapes() -> list[Case]:
    """One pixel, one channel, channel counts that differ, more outputs than inputs in depthwise blocks."""
    return [
        conv_case((1, 1), (1, 1), channels=(1, 1)),
        conv_case((1, 1), (3, 3), channels=(1, 3), padding=1),
        conv_case((5, 1), (3, 1), channels=(3, 2)),
        conv_case((5, 4), (3, 3), channels=(3, 6), groups=3),
        conv_case((4, 4), (4, 4), channels=(2, 3), stride=2, padding=1),
    ]


CASES = options_1d() + options_2d() + options_3d() + other_shapes()
test_case = holds(CASES)


def test_worked_example() -> None:
    """[1 2 3; 4 5 6; 7 8 9] * [0 1; 2 3] = [25 31; 43 49]: the kernel is not flipped."""
    x = np.arange(1.0, 10).reshape(1, 3, 3, 1)
    kernel = np.arange(4.0).reshape(1, 1, 2, 2)
    assert conv(x, kernel)[0, ..., 0].tolist() == [[25, 31], [43, 49]]


@pytest.mark.parametrize(("kernel", "stride", "padding", "expected"), [(3, 1, 1, 12), (4, 2, 1, 6)])
def test_sizes_of_the_lecture(kernel: int, stride: int, padding: int, expected: int) -> None:
    """A 3x3 kernel with padding 1 keeps the size, a 4x4 kernel with stride 2 and padding 1 halves it."""
    y = conv(np.zeros((1, 12, 12, 1)), np.zeros((1, 1, kernel, kernel)), stride=stride, padding=padding)
    assert y.shape == (1, expected, expected, 1)


def test_padding_that_differs_by_side() -> None:
    """Padding as pairs (before, after) equals zeros laid around the picture by hand."""
    v = random_values("sides", x=(1, 4, 5, 2), weight=(3, 2, 3, 3))
    padded = np.pad(v["x"], [(0, 0), (1, 2), (0, 3), (0, 0)])
    np.testing.assert_array_equal(conv(v["x"], v["weight"], padding=((1, 2), (0, 3))), conv(padded, v["weight"]))
    dy = np.ones((1, 5, 6, 3))
    np.testing.assert_array_equal(
        conv_backward_data(dy, v["weight"], (4, 5), padding=((1, 2), (0, 3))),
        conv_backward_data(dy, v["weight"], (7, 8))[:, 1:5, :5],
    )


def test_separable_is_two_convolutions() -> None:
    """A kernel that is the product of a column and a row acts as the column, then the row."""
    v = random_values("separable", x=(1, 6, 6, 1), column=(1, 1, 3, 1), row=(1, 1, 1, 3))
    twice = conv(conv(v["x"], v["column"]), v["row"])
    np.testing.assert_allclose(conv(v["x"], v["column"] * v["row"]), twice, rtol=1e-12)


def test_refusals_name_what_was_seen() -> None:
    with pytest.raises(UsageError, match=r"3 channels, weights \(4, 2, 3, 3\), 1 groups"):
        conv(np.zeros((1, 5, 5, 3)), np.zeros((4, 2, 3, 3)))
    with pytest.raises(UsageError, match="window is larger than its input"):
        conv(np.zeros((1, 2, 2, 1)), np.zeros((1, 1, 3, 3)))
    with pytest.raises(UsageError, match="one number or 2 entries"):
        conv(np.zeros((1, 5, 5, 1)), np.zeros((1, 1, 3, 3)), stride=(1, 1, 1))
