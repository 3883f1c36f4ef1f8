"""Values that only move: against torch, and each forth and back."""

from itertools import product

import numpy as np
import pytest

from pellucid.errors import UsageError
from pellucid.reference import rearranging as r
from tests.reference.cases import Case, holds, random_values


def functional(name: str, *options):
    def call(x):
        import torch

        return getattr(torch.nn.functional, name)(x.movedim(-1, 1), *options).movedim(1, -1)

    return call


def pad_case(size, amounts, mode: str) -> Case:
    """torch takes the last dimension first, and names modes in its own way."""
    pairs = [(a, a) if isinstance(a, int) else a for a in amounts]
    flat = tuple(a for pair in reversed(pairs) for a in pair)
    torch_mode = {"zero": "constant", "reflect": "reflect", "replicate": "replicate"}[mode]
    return Case(
        f"pad {mode}",
        f"{size} {amounts}",
        random_values(f"pad {mode} {size} {amounts}", x=(2, *size, 2)),
        lambda x: r.pad(x, amounts, mode),
        {"x": lambda dy, x: r.pad_backward_data(dy, size, amounts, mode)},
        functional("pad", flat, torch_mode),
    )


def simple_case(name: str, shape, *options, torch=None, backward=None) -> Case:
    return Case(
        name,
        f"{shape} {options}",
        random_values(f"{name} {shape} {options}", x=shape),
        lambda x: getattr(r, name)(x, *options),
        {"x": lambda dy, x: getattr(r, f"{name}_backward_data")(dy, *(options if backward is None else backward))},
        torch,
    )


CASES = [
    pad_case(size, amounts, mode)
    for (size, amounts), mode in product(
        [((4, 5), (1, 2)), ((4, 5), ((3, 0), (1, 4))), ((6,), (3,)), ((3, 4, 3), (1, 2, (0, 2)))],
        ["zero", "reflect", "replicate"],
    )
]
CASES += [
    simple_case("pixel_shuffle", (2, 3, 2, 3 * f * f), f, torch=functional("pixel_shuffle", f)) for f in (1, 2, 3)
]
CASES += [
    simple_case("pixel_unshuffle", (2, 2 * f, 3 * f, 2), f, torch=functional("pixel_unshuffle", f)) for f in (1, 2, 3)
]
CASES += [
    simple_case("flatten", (2, 3, 4, 2), torch=lambda x: x.movedim(-1, 1).flatten(1), backward=((3, 4),)),
    simple_case("reorder", (2, 3, 4, 2), (0, 3, 1, 2), torch=lambda x: x.permute(0, 3, 1, 2)),
    simple_case("reorder", (2, 3, 4), (2, 0, 1), torch=lambda x: x.permute(2, 0, 1)),
    simple_case("reshape", (2, 3, 4, 2), (2, 12, 2), torch=lambda x: x.reshape(2, 12, 2), backward=((2, 3, 4, 2),)),
    simple_case("crop", (2, 5, 6, 2), ((1, 0), (2, 1)), torch=lambda x: x[:, 1:, 2:-1]),
    simple_case("crop", (2, 5, 2), 1, torch=lambda x: x[:, 1:-1]),
]
test_case = holds(CASES)


def test_pixel_shuffle_by_hand() -> None:
    """Four channels of one pixel become a block of 2 x 2, row by row."""
    x = np.array([1.0, 2, 3, 4]).reshape(1, 1, 1, 4)
    assert r.pixel_shuffle(x, 2)[0, ..., 0].tolist() == [[1, 2], [3, 4]]


def test_padding_by_hand() -> None:
    x = np.array([1.0, 2, 3]).reshape(1, 3, 1)
    assert r.pad(x, 2, "zero", value=9).ravel().tolist() == [9, 9, 1, 2, 3, 9, 9]
    assert r.pad(x, 2, "reflect").ravel().tolist() == [3, 2, 1, 2, 3, 2, 1]
    assert r.pad(x, 2, "replicate").ravel().tolist() == [1, 1, 1, 2, 3, 3, 3]


def test_crop_undoes_pad() -> None:
    x = random_values("crop", x=(1, 4, 5, 2))["x"]
    for mode in ("zero", "reflect", "replicate"):
        np.testing.assert_array_equal(r.crop(r.pad(x, ((1, 2), (3, 0)), mode), ((1, 2), (3, 0))), x)


def test_refusals_name_what_was_seen() -> None:
    with pytest.raises(UsageError, match="channels do not make blocks; seen: 6; expected: a multiple of 4"):
        r.pixel_shuffle(np.zeros((1, 2, 2, 6)), 2)
    with pytest.raises(UsageError, match="does not fall into blocks; seen: 3 x 4"):
        r.pixel_unshuffle(np.zeros((1, 3, 4, 1)), 2)
    with pytest.raises(UsageError, match="unknown padding mode 'mirror'"):
        r.pad(np.zeros((1, 3, 4, 1)), 1, "mirror")
