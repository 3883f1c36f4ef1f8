"""The engine against the NumPy reference, wherever an operation has the same name in both."""

import importlib
import pkgutil
from collections.abc import Callable

import numpy as np
import pytest

from pellucid import _engine, reference
from pellucid.reference.convolution import conv
from tests.engine.cases import CASES, Case

# Said in other words by the reference: four paddings, sizes, positions, statistics.
ELSEWHERE = {"pad", "crop", "max_unpool", "max_pool_positions", "apply_kernels", "batch_norm"}


MODULES = [importlib.import_module(f"pellucid.reference.{m.name}") for m in pkgutil.iter_modules(reference.__path__)]


def in_reference(operation: str) -> Callable[..., np.ndarray] | None:
    found = [getattr(module, operation) for module in MODULES if hasattr(module, operation)]
    return found[0] if found and operation not in ELSEWHERE else None


def single(case: Case) -> bool:
    return len(case.nodes) == 1 and in_reference(case.nodes[0][1]) is not None


@pytest.mark.parametrize("case", [case for case in CASES if single(case)], ids=lambda case: case.name)
def test_like_the_reference(case: Case) -> None:
    _, operation, _, given, weights = case.nodes[0]
    # The reference knows any number of dimensions, so a window's extent has one number for each.
    wide = set() if operation == "local_response_norm" else {"kernel", "size"}
    attributes = {name: (v, v) if name in wide and np.ndim(v) == 0 else v for name, v in given.items()}
    h, w = case.size or (6 * case.multiple, 8 * case.multiple)
    x = np.random.default_rng(5).standard_normal((2, h, w, case.channels)).astype(np.float32)
    if operation == "conv" and np.size(attributes.get("padding", 0)) == 4:
        top, left, bottom, right = attributes["padding"]
        padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
        expected = conv(padded, **weights)
    else:
        expected = in_reference(operation)(x.astype(np.float64), **weights, **attributes)
    y, _ = _engine.Network(case.nodes, case.channels).run(x)
    assert np.abs(y - expected).max() <= 2e-5 * np.abs(expected).max()
