"""Local response against torch, local contrast against its equation."""

from itertools import product

import numpy as np

from pellucid.reference import local_normalisation as n
from tests.reference.cases import Case, holds, random_values


def response_case(channels: int, size: int, **options) -> Case:
    def by_torch(x):
        import torch

        return torch.nn.functional.local_response_norm(x.movedim(-1, 1), size, **options).movedim(1, -1)

    label = f"{channels} channels, size {size} {options}"
    return Case(
        "local response norm",
        label,
        random_values(label, x=(2, 3, 2, channels)),
        lambda x: n.local_response_norm(x, size, **options),
        {"x": lambda dy, x: n.local_response_norm_backward_data(dy, x, size, **options)},
        by_torch,
    )


def contrast_case(size, window: int, channels: int) -> Case:
    """torch has the blur only as a convolution; the equation is written out again."""

    def by_torch(x):
        import torch

        line = torch.exp(-0.5 * ((torch.arange(window, dtype=x.dtype) - window // 2) / 2.0) ** 2)
        kernel = (line[:, None] * line / line.sum() ** 2 / channels).expand(1, channels, window, window)

        def blur(v):
            return torch.nn.functional.conv2d(v.movedim(-1, 1), kernel, padding=window // 2).movedim(1, -1)

        v = x - blur(x)
        return v / (1e-2 + blur(v * v)).sqrt()

    return Case(
        "local contrast norm",
        f"{size} window {window} {channels} channels",
        random_values(f"contrast {size} {window} {channels}", x=(2, *size, channels)),
        lambda x: n.local_contrast_norm(x, window),
        {"x": lambda dy, x: n.local_contrast_norm_backward_data(dy, x, window)},
        by_torch,
    )


CASES = [
    response_case(c, s, **o)
    for c, s, o in product([1, 4, 7], [1, 2, 3, 5], [{}, {"alpha": 0.5, "beta": 0.6, "k": 2.0}])
]
CASES += [contrast_case(size, w, c) for size, w, c in product([(5, 6), (12, 11)], [3, 9], [1, 3])]
test_case = holds(CASES)


def test_local_contrast_forgets_brightness_and_contrast() -> None:
    """Away from the edges, x and 5 x + 2 look the same once epsilon does not matter."""
    x = random_values("contrast", x=(1, 40, 40, 1))["x"]
    a, b = (n.local_contrast_norm(v, 9, epsilon=1e-9)[:, 12:-12, 12:-12] for v in (x, 5 * x + 2))
    np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)
