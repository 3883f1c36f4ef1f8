"""The engine against the NumPy reference: every case of every operation, node by node."""

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pellucid import _engine, reference
from pellucid.reference.convolution import conv
from pellucid.reference.normalisation import batch_norm, normalise
from pellucid.reference.pooling import max_pool_offsets, max_unpool, winners
from pellucid.reference.predicted_kernels import apply_kernels
from pellucid.reference.rearranging import crop, flatten, pad
from tests.engine.cases import CASES, Case

MODULES = [importlib.import_module(f"pellucid.reference.{m.name}") for m in pkgutil.iter_modules(reference.__path__)]

Array = np.ndarray
Weights = dict[str, Array]


def pair(value: Any) -> tuple[int, int]:
    return (value, value) if np.ndim(value) == 0 else tuple(value)


def _conv(x: Array, w: Weights, padding: Any = 0, **attributes: Any) -> Array:
    if np.size(padding) < 4:
        return conv(x, **w, padding=padding, **attributes)
    top, left, bottom, right = padding
    return conv(pad(x, ((top, bottom), (left, right))), **w, **attributes)


def _pad(x: Array, w: Weights, amounts: tuple[int, int, int, int], mode: str = "zero", value: float = 0.0) -> Array:
    top, left, bottom, right = amounts  # negative ones crop
    margins = ((top, bottom), (left, right))
    less, more = (tuple(tuple(max(sign * m, 0) for m in side) for side in margins) for sign in (-1, 1))
    return pad(crop(x, less), more, mode, value)


def _crop(x: Array, w: Weights, amounts: tuple[int, int, int, int]) -> Array:
    top, left, bottom, right = amounts
    return crop(x, ((top, bottom), (left, right)))


def _layer_norm(x: Array, w: Weights, over: str = "channels", eps: float = 1e-5) -> Array:
    w = {role: np.moveaxis(values, 0, -1) for role, values in w.items()}  # (c) or (c, h, w) -> (h, w, c)
    return normalise(x, **w, over="channels" if over == "channels" else "sample", epsilon=eps)


def _max_unpool(y: Array, offsets: Array, w: Weights, kernel: Any) -> Array:
    size = (y.shape[1] * pair(kernel)[0], y.shape[2] * pair(kernel)[1])
    return max_unpool(y, winners(offsets, size, pair(kernel)), size)


# What the reference says in other words, and what NumPy says itself: functions of (*inputs, weights, **attributes).
IN_OTHER_WORDS: dict[str, Callable[..., Array]] = {
    "conv": _conv,
    "add": lambda a, b, w: a + b,
    "subtract": lambda a, b, w: a - b,
    "multiply": lambda a, b, w: a * b,
    "affine": lambda x, w, **given: w.get("scale", given.get("scale", 1)) * x + w.get("offset", given.get("offset", 0)),
    "exp": lambda x, w: np.exp(x),
    "concat": lambda *given: np.concatenate(given[:-1], axis=-1),
    "slice_channels": lambda x, w, start, stop: x[..., start:stop],
    "flatten": lambda x, w: flatten(x)[:, None, None],
    "pad": _pad,
    "crop": _crop,
    "batch_norm": lambda x, w, eps: batch_norm(x, **w, epsilon=eps),
    "layer_norm": _layer_norm,
    "instance_norm": lambda x, w, eps: normalise(x, **w, over="instance", epsilon=eps),
    "group_norm": lambda x, w, groups, eps=1e-5: normalise(x, **w, over="group", groups=groups, epsilon=eps),
    "max_pool_positions": lambda x, w, kernel: max_pool_offsets(x, pair(kernel)),
    "max_unpool": _max_unpool,
    "apply_kernels": lambda x, kernels, w, kernel: apply_kernels(x, kernels, pair(kernel)),
}


def _by_name(operation: str) -> Callable[..., Array]:
    found = [getattr(module, operation) for module in MODULES if hasattr(module, operation)]
    assert found, f"the reference has no {operation}"
    # The reference knows any number of dimensions, so a window's extent has one number for each.
    wide = set() if operation == "local_response_norm" else {"kernel", "size"}

    def run(x: Array, w: Weights, **given: Any) -> Array:
        return found[0](x, **w, **{name: pair(v) if name in wide else v for name, v in given.items()})

    return run


def reference_says(case: Case, x: Array) -> Array:
    maps: list[Array] = []
    for _, operation, inputs, attributes, weights in case.nodes:
        function = IN_OTHER_WORDS.get(operation) or _by_name(operation)
        maps.append(function(*(x if i < 0 else maps[i] for i in inputs), weights, **attributes))
    return maps[-1]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_like_the_reference(case: Case) -> None:
    h, w = case.size or (6 * case.multiple, 8 * case.multiple)
    x = np.random.default_rng(5).standard_normal((2, h, w, case.channels)).astype(np.float32)
    expected = reference_says(case, x.astype(np.float64))
    y, _ = _engine.Network(case.nodes, case.channels).run(x)
    assert y.shape == expected.shape
    assert np.abs(y - expected).max() <= 2e-5 * np.abs(expected).max()
