"""The generator's cases and how each is measured: central differences, and torch where torch has the operation.

A `Case` is one operation with one set of options and shapes. `gradient_error` holds every gradient to central
differences in float64, `torch_errors` holds output and gradients to torch's own. The tests ask for a few entries of
each gradient plus a dense direction; `python -m tests.reference.report` asks for every entry.
Errors are relative: max|a - b| / max|b|.
"""

import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

Values = dict[str, Any]
STEP = 1e-5  # central differences in float64: truncation and rounding are both about 1e-10 here
TOLERANCE_NUMERIC = 1e-7
TOLERANCE_TORCH = 1e-11


@dataclass(frozen=True)
class Case:
    """`forward(**inputs)` is the operation; `gradients[name](dy, **inputs)` its gradient to that input.

    `torch(**inputs)` is the same in torch, from tensors in our order to a tensor in our order.
    """

    operation: str
    options: str
    inputs: Mapping[str, Any]
    forward: Callable[..., Any]
    gradients: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    torch: Callable[..., Any] | None = None

    def __str__(self) -> str:
        return f"{self.operation} {self.options}"

    def generator(self) -> np.random.Generator:
        """For dy and directions; never the stream that drew the inputs, or dy would lie along one of them."""
        return np.random.default_rng([1, zlib.crc32(str(self).encode())])


def random_values(label: str, **shapes: tuple[int, ...]) -> Values:
    """Normal values in float64, the same for the same label."""
    rng = np.random.default_rng(zlib.crc32(label.encode()))
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def relative_error(seen: Any, expected: Any) -> float:
    seen, expected = np.asarray(seen), np.asarray(expected)
    assert seen.shape == expected.shape, f"shape {seen.shape}, expected {expected.shape}"
    if not expected.size:
        return 0.0
    return float(np.abs(seen - expected).max() / (np.abs(expected).max() or 1.0))


def gradient_error(case: Case, entries: int | None = 3) -> float:
    """The worst relative error of the case's gradients; `entries` of each are tried, or all, and a dense direction."""
    rng = case.generator()
    y = np.asarray(case.forward(**case.inputs))
    dy = rng.normal(size=y.shape)
    return max(_one_gradient_error(case, name, dy, rng, entries) for name in case.gradients)


def _one_gradient_error(case: Case, name: str, dy: Any, rng: np.random.Generator, entries: int | None) -> float:
    x = case.inputs[name]
    analytic = np.asarray(case.gradients[name](dy, **case.inputs))
    assert analytic.shape == x.shape, f"gradient to {name}: {analytic.shape}, expected {x.shape}"
    chosen = range(x.size) if entries is None else rng.permutation(x.size)[:entries]
    directions = [np.eye(1, x.size, i).reshape(x.shape) for i in chosen]
    directions += [d / np.abs(d).max() for d in rng.normal(size=(1, *x.shape))]
    numeric = np.array([_slope(case, name, dy, d) for d in directions])
    return relative_error([np.sum(analytic * d) for d in directions], numeric)


def _slope(case: Case, name: str, dy: Any, direction: Any) -> float:
    """(f(x + h d) - f(x - h d)) / 2h, weighted by dy."""
    x = case.inputs[name]
    up = case.forward(**{**case.inputs, name: x + STEP * direction})
    down = case.forward(**{**case.inputs, name: x - STEP * direction})
    return float(np.sum(dy * (np.asarray(up) - np.asarray(down))) / (2 * STEP))


def torch_errors(case: Case) -> tuple[float, float]:
    """The relative errors of the output and, the worst of them, of the gradients."""
    torch = pytest.importorskip("torch")
    with _one_thread(torch):
        return _torch_errors(case, torch)


def _torch_errors(case: Case, torch: Any) -> tuple[float, float]:
    assert case.torch is not None
    tensors = {
        name: torch.tensor(value, requires_grad=name in case.gradients) if isinstance(value, np.ndarray) else value
        for name, value in case.inputs.items()
    }
    y = case.torch(**tensors)
    output_error = relative_error(case.forward(**case.inputs), y.detach().numpy())
    if not case.gradients or not y.requires_grad:
        return output_error, 0.0
    dy = case.generator().normal(size=tuple(y.shape))
    y.backward(torch.tensor(dy))
    pairs = [(backward(dy, **case.inputs), tensors[name].grad) for name, backward in case.gradients.items()]
    return output_error, max(relative_error(ours, theirs.numpy()) for ours, theirs in pairs)


@contextmanager
def _one_thread(torch: Any) -> Iterator[None]:
    """On arrays this small, waking torch's other threads takes longer than the work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def hold(case: Case) -> None:
    """What every case is asked for in the ordinary suite."""
    if case.gradients:
        error = gradient_error(case)
        assert error < TOLERANCE_NUMERIC, f"{case}: gradient is off by {error:.1e}"
    if case.torch is not None:
        errors = torch_errors(case)
        assert max(errors) < TOLERANCE_TORCH, f"{case}: output, gradients differ from torch by {errors}"


def holds(cases: list[Case]) -> Any:
    """A parametrised test that holds every one of the cases."""

    @pytest.mark.parametrize("case", cases, ids=str)
    def test(case: Case) -> None:
        hold(case)

    return test
