"""Fully and locally connected layers: the lecture's equations, every option, and what they are special cases of."""

from itertools import product

import numpy as np

from pellucid.reference import dense
from pellucid.reference.convolution import conv
from pellucid.reference.window import window
from tests.reference.cases import Case, holds, random_values


def linear_case(rows: int, ic: int, oc: int) -> Case:
    def by_torch(x, weight, bias):
        from torch.nn import functional

        return functional.linear(x, weight, bias)

    return Case(
        "fully connected",
        f"{rows} x {ic} -> {oc}",
        random_values(f"linear {rows} {ic} {oc}", x=(rows, ic), weight=(oc, ic), bias=(oc,)),
        dense.linear,
        {
            "x": lambda dy, x, weight, bias: dense.linear_backward_data(dy, weight),
            "weight": lambda dy, x, weight, bias: dense.linear_backward_weight(dy, x),
            "bias": lambda dy, x, weight, bias: dense.linear_backward_bias(dy),
        },
        by_torch,
    )


def local_case(size, kernel, **options) -> Case:
    """Torch has no such layer: there, each position is an unfolded row times its own matrix."""
    output = window(kernel, **options).output_size(size)
    label = f"{size} * {kernel} {options}"

    def by_torch(x, weight, bias):
        from torch.nn import functional

        rows = functional.unfold(x.movedim(-1, 1), kernel, **options)  # (n, ic * taps, positions)
        w = weight.reshape(output[0] * output[1], 3, -1)
        y = (w.unsqueeze(0) @ rows.movedim(1, 2).unsqueeze(-1)).squeeze(-1)
        return y.reshape(x.shape[0], *output, 3) + bias

    return Case(
        "locally connected",
        label,
        random_values(label, x=(2, *size, 2), weight=(*output, 3, 2, *kernel), bias=(*output, 3)),
        lambda x, weight, bias: dense.locally_connected(x, weight, bias, **options),
        {
            "x": lambda dy, x, weight, bias: dense.locally_connected_backward_data(dy, weight, size, **options),
            "weight": lambda dy, x, weight, bias: dense.locally_connected_backward_weight(dy, x, kernel, **options),
            "bias": lambda dy, x, weight, bias: dense.locally_connected_backward_bias(dy),
        },
        by_torch if len(size) == 2 else None,
    )


CASES = [linear_case(n, ic, oc) for n, ic, oc in product([1, 3], [1, 5], [1, 4])]
CASES += [
    local_case((5, 4), k, stride=s, padding=p, dilation=d)
    for k, s, p, d in product([(1, 1), (2, 3)], [1, 2, (1, 2)], [0, 1], [1, (2, 1)])
]
CASES += [local_case((6,), (3,), stride=s) for s in (1, 2)] + [local_case((3, 3, 3), (2, 2, 2))]
test_case = holds(CASES)


def test_fully_connected_by_hand() -> None:
    """y_i = sum_j A_ij x_j + b_i."""
    y = dense.linear(np.array([[1.0, 2, 3]]), np.array([[1.0, 0, -1], [2, 1, 0]]), np.array([10.0, 20]))
    assert y.tolist() == [[8, 24]]


def test_local_weights_that_are_equal_everywhere_make_a_convolution() -> None:
    v = random_values("shared", x=(1, 5, 5, 2), weight=(3, 2, 3, 3))
    shared = np.broadcast_to(v["weight"], (3, 3, *v["weight"].shape))
    np.testing.assert_allclose(dense.locally_connected(v["x"], shared), conv(v["x"], v["weight"]), atol=1e-12)


def test_a_dense_layer_is_a_convolution_as_large_as_its_input() -> None:
    v = random_values("as large", x=(2, 3, 4, 2), weight=(5, 2, 3, 4))
    flat = v["x"].transpose(0, 3, 1, 2).reshape(2, -1)
    y = conv(v["x"], v["weight"]).reshape(2, 5)
    np.testing.assert_allclose(dense.linear(flat, v["weight"].reshape(5, -1)), y, atol=1e-12)
