"""Every operation against torch, on every instruction set of this machine, at sizes from the smallest up."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from pellucid import _engine
from pellucid.errors import NotFiniteError
from tests.engine.cases import CASES, Case, node
from tests.engine.steps import STEPS, same_bits_at

SIZES = [(1, 1), (1, 9), (2, 3), (5, 4), (7, 18), (23, 37)]


def sizes(case: Case) -> list[tuple[int, int]]:
    if case.size:
        return [case.size]
    m = case.multiple
    return [(-(-h // m) * m, -(-w // m) * m) for h, w in SIZES if min(h, w) >= case.least]


def torch_says(case: Case, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        y = case.oracle(torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2))))
    return y.numpy().transpose(0, 2, 3, 1)


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_like_torch(case: Case) -> None:
    random = np.random.default_rng(3)
    network = _engine.Network(case.nodes, case.channels)
    for h, w in sizes(case):
        x = random.standard_normal((2, h, w, case.channels)).astype(np.float32)
        expected = torch_says(case, x)
        y, _ = network.run(x, threads=1)
        assert y.shape == expected.shape, (h, w)
        assert network.output_shape(h, w) == y.shape[1:]
        error = np.abs(y - expected).max() / max(np.abs(expected).max(), 1e-6)
        assert error < case.tolerance, (h, w, error)


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_same_bits_at_any_step_and_in_any_order(case: Case) -> None:
    """Threads, strips, blocks and streams change nothing, not a bit."""
    random = np.random.default_rng(4)
    network = _engine.Network(case.nodes, case.channels)
    for h, w in sizes(case)[-2:]:
        x = random.standard_normal((1, h, w, case.channels)).astype(np.float32)
        whole = same_bits_at(network, x, STEPS)
        for height in (h,) if case.size else (0, h):
            stream = network.stream(w, height, threads=2, block=3)
            rows = [stream.push(x[0, y : y + 2]) for y in range(0, h, 2)]
            assert np.array_equal(np.concatenate([*rows, stream.finish()]), whole[0]), (h, w, height)


LARGE = [
    np.inf,
    -np.inf,
    np.nan,
    1e30,
    -1e30,
    100,
    -100,
    88.8,
    88.73,
    88.72,
    88.5,
    -87.2,
    -87.4,
    -88.8,
    50,
    -50,
    20,
    -20,
]
FUNCTIONS = {
    "exp": torch.exp,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "gelu": F.gelu,
    "selu": F.selu,
    "silu": F.silu,
    "softplus": F.softplus,
}


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_large_numbers_are_those_of_torch(name: str) -> None:
    """Infinity where float32 ends and not a number earlier; what is not finite is an error that names the layer."""
    network = _engine.Network([node(name)], 1)
    for x in LARGE:
        y = float(FUNCTIONS[name](torch.tensor(x, dtype=torch.float32)))
        if np.isfinite(y):
            got, _ = network.run(np.full((1, 1, 3, 1), x, np.float32))
            assert abs(float(got[0, 0, 2, 0]) - y) <= max(1e-6 * abs(y), 1e-7), x
        else:
            with pytest.raises(NotFiniteError, match=name if np.isfinite(x) else "picture"):
                network.run(np.full((1, 1, 3, 1), x, np.float32))


@pytest.mark.usefixtures("isa")
def test_softmax_of_numbers_far_apart() -> None:
    x = np.array([[[[1e30, -1e30, 0, 88.8, -200]]], [[[100, 0, -100, 99, -1e30]]]], np.float32)
    y, _ = _engine.Network([node("softmax")], 5).run(x)
    assert np.abs(y - torch.from_numpy(x).softmax(3).numpy()).max() < 1e-6


def test_every_operation_has_a_case() -> None:
    declared = {operation["name"] for operation in _engine.operations()}
    assert declared == {node[1] for case in CASES for node in case.nodes}
