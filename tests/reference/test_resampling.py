"""Resampling: every mode, both corner conventions, sizes and scales, against torch; and what each mode keeps."""

from itertools import product

import numpy as np
import pytest

from pellucid.errors import UsageError
from pellucid.reference import resampling as r
from tests.reference.cases import Case, holds, random_values

TORCH_NAMES = {1: {"bilinear": "linear"}, 2: {}, 3: {"bilinear": "trilinear"}}


def resize_case(size_in, mode: str, align_corners: bool = False, size=None, scale=None) -> Case:
    def by_torch(x):
        import torch

        name = TORCH_NAMES[len(size_in)].get(mode, mode)
        corners = align_corners if mode in ("bilinear", "bicubic") else None
        f = torch.nn.functional.interpolate
        return f(x.movedim(-1, 1), size, scale, mode=name, align_corners=corners).movedim(1, -1)

    label = f"{size_in} size {size} scale {scale} corners {align_corners}"
    options = {"size": size, "scale": scale, "mode": mode, "align_corners": align_corners}
    return Case(
        f"resize {mode}",
        label,
        random_values(f"{mode} {label}", x=(2, *size_in, 3)),
        lambda x: r.resize(x, **options),
        {"x": lambda dy, x: r.resize_backward_data(dy, size_in, **options)},
        by_torch,
    )


SIZES = [(10, 12), (7, 3), (5, 6), (1, 1), (3, 17)]
SCALES = [2, 3, 0.5, 1.7, (2.3, 0.6)]
MODES = [("nearest", False), ("area", False), *product(["bilinear", "bicubic"], [False, True])]
CASES = [resize_case((5, 6), m, corners, size=s) for (m, corners), s in product(MODES, SIZES)]
CASES += [resize_case((5, 6), m, corners, scale=s) for (m, corners), s in product(MODES, SCALES) if m != "area"]
CASES += [resize_case((1, 1), m, corners, size=(3, 2)) for m, corners in MODES]
CASES += [resize_case((7,), m, size=(s,)) for m, s in product(["nearest", "bilinear", "area"], [3, 15])]
CASES += [resize_case((3, 4, 2), m, size=(5, 3, 4)) for m in ["nearest", "bilinear", "area"]]
test_case = holds(CASES)


@pytest.mark.parametrize("mode", r.MODES)
@pytest.mark.parametrize("output", [1, 4, 9, 20])
def test_weights_add_up_to_one(mode: str, output: int) -> None:
    """A flat picture stays flat."""
    np.testing.assert_allclose(r.resize_matrix(9, output, mode).sum(axis=1), 1)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_aligned_corners_keep_their_samples(mode: str) -> None:
    x = random_values("corners", x=(1, 5, 6, 2))["x"]
    y = r.resize(x, (13, 9), mode=mode, align_corners=True)
    np.testing.assert_allclose(y[:, [0, 0, -1, -1], [0, -1, 0, -1]], x[:, [0, 0, -1, -1], [0, -1, 0, -1]])


def test_bilinear_of_a_ramp_is_a_ramp() -> None:
    y = r.resize(np.arange(4.0).reshape(1, 4, 1), (8,))
    assert y.ravel().tolist() == [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]


def test_refusals_name_what_was_seen() -> None:
    x = np.zeros((1, 4, 4, 1))
    with pytest.raises(UsageError, match="a size or a scale; seen: size None, scale None"):
        r.resize(x)
    with pytest.raises(UsageError, match="unknown resampling mode 'bicubik'.*did you mean 'bicubic'"):
        r.resize(x, (8, 8), mode="bicubik")
