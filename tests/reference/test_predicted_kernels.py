"""Per-pixel kernels: gradients, torch by unfolding, and the same kernel everywhere is a convolution."""

from itertools import product

import numpy as np
import pytest

from pellucid.errors import UsageError
from pellucid.reference.convolution import conv
from pellucid.reference.predicted_kernels import (
    apply_kernels,
    apply_kernels_backward_data,
    apply_kernels_backward_kernels,
)
from tests.reference.cases import Case, holds, random_values


def kernels_case(size, channels: int, shared: bool) -> Case:
    label = f"{size}, {channels} channels, {'shared' if shared else 'each its own'}"
    taps = size[0] * size[1]

    def by_torch(x, kernels):
        import torch

        n, h, w, c = x.shape
        padding = tuple(k // 2 for k in size)
        rows = torch.nn.functional.unfold(x.movedim(-1, 1), size, padding=padding)  # (n, c * taps, h * w)
        rows = rows.reshape(n, c, taps, h, w)
        return (rows * kernels.movedim(-1, 1).reshape(n, -1, taps, h, w)).sum(dim=2).movedim(1, -1)

    return Case(
        "apply_kernels",
        label,
        random_values(label, x=(2, 4, 5, channels), kernels=(2, 4, 5, taps if shared else taps * channels)),
        lambda x, kernels: apply_kernels(x, kernels, size),
        {
            "x": lambda dy, x, kernels: apply_kernels_backward_data(dy, kernels, size),
            "kernels": lambda dy, x, kernels: apply_kernels_backward_kernels(dy, x, kernels, size),
        },
        by_torch if size[0] % 2 and size[1] % 2 else None,
    )


CASES = [
    kernels_case(size, channels, shared)
    for size, channels, shared in product([(1, 1), (3, 3), (5, 3), (2, 4)], [1, 3], [True, False])
]
test_case = holds(CASES)


def test_the_same_kernel_everywhere_is_a_convolution() -> None:
    v = random_values("everywhere", x=(1, 5, 6, 2), weight=(2, 1, 3, 3))
    kernels = np.broadcast_to(v["weight"].reshape(-1), (1, 5, 6, 18))
    expected = conv(v["x"], v["weight"], padding=1, groups=2)
    np.testing.assert_allclose(apply_kernels(v["x"], kernels, (3, 3)), expected, atol=1e-12)


def test_even_kernels_lean_to_the_start() -> None:
    """Of two columns the second lies on the pixel: weight 1 on the first fetches the left neighbour."""
    x = np.array([1.0, 2, 3]).reshape(1, 1, 3, 1)
    kernels = np.broadcast_to([1.0, 0.0], (1, 1, 3, 2))
    assert apply_kernels(x, kernels, (1, 2)).ravel().tolist() == [0, 1, 2]


def test_refusals_name_what_was_seen() -> None:
    with pytest.raises(UsageError, match="seen: 10 channels; expected: 9 or 27"):
        apply_kernels(np.zeros((1, 2, 2, 3)), np.zeros((1, 2, 2, 10)), (3, 3))
