"""Pooling under a window: every option against torch, the lecture's example, ties, and unpooling."""

from itertools import product

import numpy as np
import pytest

from pellucid.errors import UsageError
from pellucid.reference import pooling as p
from tests.reference.cases import Case, holds, random_values


def torch_pool(name: str, dims: int, kernel, **options):
    def call(x):
        import torch

        return getattr(torch.nn.functional, f"{name}_pool{dims}d")(x.movedim(-1, 1), kernel, **options).movedim(1, -1)

    return call


def max_case(size, kernel, **options) -> Case:
    return Case(
        "max pooling",
        f"{size} {kernel} {options}",
        random_values(f"max {size} {kernel} {options}", x=(2, *size, 3)),
        lambda x: p.max_pool(x, kernel, **options),
        {"x": lambda dy, x: p.max_pool_backward_data(dy, x, kernel, **options)},
        torch_pool("max", len(size), kernel, **options),
    )


def mean_case(size, kernel, **options) -> Case:
    return Case(
        "mean pooling",
        f"{size} {kernel} {options}",
        random_values(f"mean {size} {kernel} {options}", x=(2, *size, 3)),
        lambda x: p.mean_pool(x, kernel, **options),
        {"x": lambda dy, x: p.mean_pool_backward_data(dy, size, kernel, **options)},
        torch_pool("avg", len(size), kernel, **options),
    )


def channel_case(kind: str, channels: int, groups: int) -> Case:
    def by_torch(x):
        runs = x.reshape(*x.shape[:-1], groups, -1)
        return runs.amax(dim=-1) if kind == "max" else runs.mean(dim=-1)

    backward = {
        "max": p.channel_max_pool_backward_data,
        "mean": lambda dy, x: p.channel_mean_pool_backward_data(dy, channels),
    }
    return Case(
        f"channel {kind} pooling",
        f"{channels} -> {groups}",
        random_values(f"channels {kind} {channels} {groups}", x=(2, 3, 2, channels)),
        lambda x: {"max": p.channel_max_pool, "mean": p.channel_mean_pool}[kind](x, groups),
        {"x": backward[kind]},
        by_torch,
    )


def unpool_case(size, kernel) -> Case:
    x = random_values(f"unpool {size} {kernel}", x=(2, *size, 3))["x"]
    positions = p.winners(p.max_pool_offsets(x, kernel), size, kernel)

    def by_torch(y):
        import torch

        at = torch.tensor(positions).movedim(-1, 1)
        return torch.nn.functional.max_unpool2d(y.movedim(-1, 1), at, kernel, output_size=size).movedim(1, -1)

    return Case(
        "max unpooling",
        f"{size} {kernel}",
        random_values(f"unpool {size} {kernel} y", y=positions.shape),
        lambda y: p.max_unpool(y, positions, size),
        {"y": lambda dy, y: p.max_unpool_backward_data(dy, positions)},
        by_torch,
    )


def options(*names_and_values):
    names, values = zip(*names_and_values, strict=True)
    return [dict(zip(names, v, strict=True)) for v in product(*values)]


STRIDES = ("stride", [None, 1, 2, (3, 2)])
CEIL = ("ceil_mode", [False, True])
MAX = options(STRIDES, ("padding", [0, 1]), ("dilation", [1, 2]), CEIL)
MEAN = options(STRIDES, ("padding", [0, 1]), CEIL, ("count_include_pad", [True, False]))
KERNELS = [(2, 2), (3, 2), (3, 3)]

CASES = [max_case((7, 8), k, **o) for k, o in product(KERNELS, MAX)]
CASES += [max_case((9,), (3,), stride=s, padding=1, ceil_mode=c) for s, c in product([1, 2, 4], [False, True])]
CASES += [max_case((4, 5, 4), (2, 3, 2), stride=s) for s in (1, 2)]
CASES += [mean_case((7, 8), k, **o) for k, o in product(KERNELS, MEAN)]
CASES += [mean_case((9,), (3,), stride=s, padding=1, ceil_mode=c) for s, c in product([1, 2, 4], [False, True])]
CASES += [mean_case((4, 5, 4), (2, 3, 2), stride=s, padding=1) for s in (1, 2)]
CASES += [channel_case(kind, c, g) for kind, (c, g) in product(["max", "mean"], [(6, 1), (6, 2), (6, 3), (6, 6)])]
CASES += [unpool_case(size, k) for size, k in product([(4, 6), (5, 7)], [(2, 2), (1, 3)])]
test_case = holds(CASES)


def test_the_winner_takes_all() -> None:
    """The second lecture's 4 x 4 picture in regions of 2 x 2: the winners, and the sparse way back."""
    x = np.array([[3.0, 2, 4, 4], [1, 5, 2, 3], [0, 1, 2, 5], [0, 1, 1, 3]]).reshape(1, 4, 4, 1)
    y = p.max_pool(x, (2, 2))
    assert y[0, ..., 0].tolist() == [[5, 4], [1, 5]]
    offsets = p.max_pool_offsets(x, (2, 2))
    assert offsets[0, ..., 0].tolist() == [[3, 0], [1, 1]]  # of equal values the first
    unpooled = p.max_unpool(y, p.winners(offsets, (4, 4), (2, 2)), (4, 4))
    assert unpooled[0, ..., 0].tolist() == [[0, 0, 4, 0], [0, 5, 0, 0], [0, 1, 0, 5], [0, 0, 0, 0]]
    np.testing.assert_array_equal(p.max_pool_backward_data(y, x, (2, 2)), unpooled)


@pytest.mark.parametrize("option", [o for o in MAX if not o["ceil_mode"]], ids=str)
def test_positions_are_those_of_torch(option: dict) -> None:
    torch = pytest.importorskip("torch")
    x = np.round(random_values("positions", x=(2, 7, 8, 3))["x"])  # rounded, so that there are ties
    _, expected = torch.nn.functional.max_pool2d(torch.tensor(x).movedim(-1, 1), (3, 2), return_indices=True, **option)
    where = {k: v for k, v in option.items() if k != "ceil_mode"}
    positions = p.winners(p.max_pool_offsets(x, (3, 2), **where), (7, 8), (3, 2), **where)
    np.testing.assert_array_equal(positions, expected.movedim(1, -1).numpy())


def test_refusals_name_what_was_seen() -> None:
    with pytest.raises(UsageError, match="5 channels, 2 groups"):
        p.channel_max_pool(np.zeros((1, 1, 1, 5)), 2)
    with pytest.raises(UsageError, match="window is larger than its input"):
        p.max_pool(np.zeros((1, 2, 2, 1)), (3, 3))
