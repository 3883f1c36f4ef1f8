"""Pooling to a given size, smaller, equal, larger than the input, and to one value."""

from itertools import product

import numpy as np

from pellucid.reference import adaptive_pooling as p
from tests.reference.cases import Case, holds, random_values


def adaptive_case(kind: str, size, output) -> Case:
    def by_torch(x):
        import torch

        name = {"max": "adaptive_max_pool", "mean": "adaptive_avg_pool"}[kind]
        return getattr(torch.nn.functional, f"{name}{len(size)}d")(x.movedim(-1, 1), output).movedim(1, -1)

    backward = {
        "max": p.adaptive_max_pool_backward_data,
        "mean": lambda dy, x: p.adaptive_mean_pool_backward_data(dy, size),
    }
    return Case(
        f"adaptive {kind} pooling",
        f"{size} -> {output}",
        random_values(f"adaptive {kind} {size} {output}", x=(2, *size, 3)),
        lambda x: {"max": p.adaptive_max_pool, "mean": p.adaptive_mean_pool}[kind](x, output),
        {"x": backward[kind]},
        by_torch,
    )


def global_case(kind: str, size) -> Case:
    def by_torch(x):
        dims = tuple(range(1, x.ndim - 1))
        return x.amax(dim=dims, keepdim=True) if kind == "max" else x.mean(dim=dims, keepdim=True)

    backward = {
        "max": p.global_max_pool_backward_data,
        "mean": lambda dy, x: p.global_mean_pool_backward_data(dy, size),
    }
    return Case(
        f"global {kind} pooling",
        f"{size}",
        random_values(f"global {kind} {size}", x=(2, *size, 3)),
        lambda x: {"max": p.global_max_pool, "mean": p.global_mean_pool}[kind](x),
        {"x": backward[kind]},
        by_torch,
    )


SIZES = [((7, 6), (3, 2)), ((7, 6), (7, 1)), ((5, 5), (5, 5)), ((3, 4), (5, 6)), ((8,), (3,)), ((4, 3, 5), (2, 2, 3))]
CASES = [adaptive_case(kind, *sizes) for kind, sizes in product(["max", "mean"], SIZES)]
CASES += [global_case(kind, size) for kind, size in product(["max", "mean"], [(6,), (4, 5), (1, 1), (2, 3, 2)])]
test_case = holds(CASES)


def test_parts_that_overlap() -> None:
    """Five samples to three: [0, 2), [1, 4), [3, 5)."""
    x = np.arange(5.0).reshape(1, 5, 1)
    assert p.adaptive_mean_pool(x, (3,)).ravel().tolist() == [0.5, 2, 3.5]
    assert p.adaptive_max_pool(x, (3,)).ravel().tolist() == [1, 3, 4]
