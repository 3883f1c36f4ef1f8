"""The operators: against torch and the reference in float64 on every instruction set, the same bits for any number of
threads, and what torch asks of an operator."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from pellucid import _engine
from pellucid.errors import PellucidError, TrainingError
from pellucid.learn.layers.convolutions import Geometry, convolutions, convolutions_backward, convolutions_forward
from pellucid.learn.layers.layer import Layer
from tests.learn.layers.runs import (
    CHANNELS,
    NOT_FINITE,
    Case,
    by_reference,
    by_torch,
    leaves,
    names,
    operands,
    parameters,
    tensors,
    then,
)

TOLERANCE = 2e-5
"""Of the largest value: float32 with Winograd's transforms, sums over a few thousand pixels."""

CASES = [
    Case(2, 13, 17, 64, 64, relu=True),
    Case(3, 9, 8, 3, 64),
    Case(1, 11, 23, 64, 27),
    Case(2, 12, 12, 32, 32, relu=True),
    Case(1, 1, 1, 1, 1),
    Case(1, 1, 40, 5, 9, relu=True),
    Case(2, 40, 1, 17, 130),
    Case(1, 10, 9, 130, 33, padding=0),
    Case(2, 3, 3, 8, 8, padding=0),
    Case(2, 7, 7, 16, 16, padding=2),
    Case(2, 9, 7, 12, 20, kernel=(1, 1), padding=0, relu=True),
    Case(1, 15, 14, 20, 12, kernel=(5, 5), padding=2),
    Case(1, 9, 16, 3, 10, kernel=(5, 5), padding=0),
    Case(1, 12, 13, 6, 7, kernel=(7, 7), padding=3),
    Case(2, 9, 12, 6, 20, kernel=(5, 3), padding=1),
    Case(2, 11, 12, 10, 21, stride=2, relu=True),
    Case(1, 12, 11, 3, 64, kernel=(7, 7), stride=2, padding=3),
    Case(1, 13, 14, 24, 8, kernel=(1, 1), stride=2, padding=0),
    Case(1, 14, 15, 20, 24, kernel=(4, 4), stride=3, padding=1),
    Case(2, 13, 12, 18, 17, dilation=2, padding=2, relu=True),
    Case(1, 15, 13, 7, 5, stride=2, dilation=3, padding=3),
    Case(2, 10, 11, 24, 36, groups=2),
    Case(1, 9, 10, 21, 12, groups=3, stride=2, relu=True),
    Case(2, 9, 9, 33, 33, groups=33),
    Case(1, 8, 9, 16, 32, groups=16, dilation=2, padding=2),
    Case(2, 13, 17, 32, 48, slopes=(0.01, 0.4)),
    Case(1, 9, 8, 5, 33, stride=2, slopes=(0.2, 1.5)),
    Case(2, 7, 6, 12, 20, slopes=(-0.3, 0.3)),
    Case(1, 8, 8, 12, 17, kernel=(1, 1), padding=0, slopes=(0.25, 0.25)),
    Case(1, 8, 8, 12, 17, slopes=(0.0, 0.0)),
    Case(1, 8, 7, 12, 17, bias=False),
]

CHAINS = [
    [Case(2, 13, 17, 3, 32, relu=True), then(32, 24, slopes=(0.1, 0.6)), then(24, 27, kernel=(1, 1), padding=0)],
    [
        Case(1, 23, 18, 5, 33, kernel=(5, 5), padding=2, slopes=(0.25, 0.25)),
        then(33, 12, stride=2),
        then(12, 20, groups=4, relu=True),
        then(20, 16, dilation=2, padding=2, slopes=(-0.3, 0.3)),
        then(16, 8, padding=0, slopes=(0.0, 0.0)),
    ],
    [Case(3, 40, 37, 16, 16, relu=True), then(16, 16, groups=16, slopes=(0.01, 0.01)), then(16, 130, relu=True)],
]
RUNS = [[case] for case in CASES] + CHAINS


def by_engine(x: Tensor, layers: list[Layer], gradient: Tensor, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    x, layers = leaves(x, layers, dtype)
    y = convolutions(x, *operands(layers))[-1]
    return [y.detach(), *torch.autograd.grad(y, [x, *parameters(layers)], gradient)]


def hold(run: list[Case], right: Callable[..., list[Tensor]]) -> None:
    given = tensors(run)
    for name, seen, expected in zip(names(given[1]), by_engine(*given), right(*given), strict=True):
        assert seen.shape == expected.shape, f"{name} of {run}"
        error = float((seen.double() - expected).abs().max() / max(expected.abs().max(), 1.0))
        assert error < TOLERANCE, f"{name} of {run}: {error} of the largest value"


@pytest.mark.parametrize("right", [by_torch, by_reference])
@pytest.mark.parametrize("run", RUNS, ids=str)
def test_equals_float64(run: list[Case], right: Callable[..., list[Tensor]], isa: str) -> None:
    hold(run, right)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("slope", [0.25, 0.0, -0.5])
def test_slopes_learn_from_what_is_not_finite_as_torchs(slope: float, dtype: torch.dtype, isa: str) -> None:
    x, gradient = torch.tensor([*NOT_FINITE, *NOT_FINITE, (-2.0, 3.0)], dtype=dtype).T.reshape(2, 1, -1, 1, 1)
    channels = x.shape[1]  # each alone
    geometry, none = Geometry((1, 1), (0, 0), (1, 1), channels), torch.empty(0)
    layers = [Layer(torch.ones(channels, 1, 1, 1), none, geometry, False, torch.full((channels,), slope))]
    y, of_x, _, of_slope = by_engine(x, layers, gradient, dtype)
    for seen, right in zip([y, of_x, of_slope], map(by_torch(x, layers, gradient).__getitem__, (0, 1, 3)), strict=True):
        torch.testing.assert_close(seen.double(), right, equal_nan=True)


WINDOWS = [(k, s, d) for k in (1, 3, 5, 7) for s in (1, 2) for d in (1, 2)]


@pytest.mark.parametrize("kind", ["3x3", "windows", "groups", "depthwise"])
def test_channel_counts(kind: str, isa: str, threads: None) -> None:
    torch.set_num_threads(1)  # for so little, threads take longer
    for ic, oc in CHANNELS:
        k, s, d = WINDOWS[ic % len(WINDOWS)]
        window: Any = {"kernel": (k, k), "stride": s, "dilation": d, "padding": d * (k // 2)}
        groups = 2 + ic % 3
        case = {
            "3x3": Case(1, 5, 7, ic, oc),
            "windows": Case(1, 5, 7, ic, oc, **window),
            "groups": Case(1, 5, 7, groups * -(-ic // groups), groups * -(-oc // groups), groups=groups, **window),
            "depthwise": Case(1, 5, 7, ic, ic, groups=ic, **window),
        }[kind]
        hold([case], by_torch)


@pytest.mark.parametrize("run", [RUNS[k] for k in (0, 11, 15, 21, 25)] + CHAINS, ids=str)
def test_same_bits_for_any_number_of_threads(run: list[Case], isa: str, threads: None) -> None:
    found = []
    for count in (1, 2, 3, 4):
        torch.set_num_threads(count)
        found.append(by_engine(*tensors(run)))
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(other, found[0], strict=True))


def chain(dtype: torch.dtype = torch.float32) -> tuple[Tensor, list[Tensor], list[Tensor], list[int], list[bool]]:
    random = torch.Generator().manual_seed(3)

    def made(*shape: int) -> Tensor:
        return torch.randn(shape, generator=random, dtype=torch.float64).to(dtype).requires_grad_()

    numbers = Geometry((1, 1), (1, 1), (1, 1), 1).numbers() + Geometry((2, 2), (1, 1), (1, 1), 2).numbers()
    weights, biases = [made(4, 2, 3, 3), made(2, 2, 3, 3)], [made(4), torch.empty(0, dtype=dtype)]
    return made(1, 2, 4, 3), weights, biases, numbers, [True, True]


@pytest.mark.parametrize("slope", [None, 0.3, 0.0, -0.2])
def test_a_chain_equals_its_layers(slope: float | None) -> None:
    x, weights, biases, numbers, relu = chain()
    slopes = [torch.empty(0) if slope is None else torch.tensor([slope, 0.1, 0.2, 0.3])] * 2
    slopes[1] = torch.empty(0)
    relu[0] = slope is None
    slopes[0].requires_grad_()
    whole = convolutions(x, weights, biases, numbers, relu, slopes)[-1]
    first = convolutions(x, weights[:1], biases[:1], numbers[:7], relu[:1], slopes[:1])[-1]
    second = convolutions(first, weights[1:], biases[1:], numbers[7:], relu[1:], slopes[1:])[-1]
    wanted = [x, *weights, biases[0], *slopes[: slope is not None]]
    assert torch.equal(whole, second)
    gradients = zip(
        torch.autograd.grad(whole.square().sum(), wanted),
        torch.autograd.grad(second.square().sum(), wanted),
        strict=True,
    )
    for a, b in gradients:
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("slope", [0.3, -0.2])
def test_gradients_in_float64(slope: float) -> None:
    x, weights, biases, numbers, _ = chain(torch.float64)
    slopes = [torch.full((n,), slope, dtype=torch.float64).requires_grad_() for n in (4, 1)]

    def last(x: Tensor, a: Tensor, b: Tensor, bias: Tensor, p: Tensor, q: Tensor) -> Tensor:
        return convolutions(x, [a, b], [bias, biases[1]], numbers, [False, False], [p, q])[-1]

    assert torch.autograd.gradcheck(last, (x, *weights, biases[0], *slopes), fast_mode=True)


def test_what_torch_asks_of_an_operator() -> None:
    x, weights, biases, numbers, relu = chain()
    slopes = [torch.full((4,), 0.25), torch.empty(0)]
    slopes[0].requires_grad_()
    torch.library.opcheck(convolutions_forward, (x, weights[:1], biases[:1], numbers[:7], [False], slopes[:1], True))
    with torch.no_grad():
        relu = [False, True]
        maps = convolutions_forward(x, weights, biases, numbers, relu, slopes, True)
        args = (torch.randn_like(maps[-1]), x, maps, weights, biases, numbers, relu, slopes, [True, False], True)
        torch.library.opcheck(convolutions_backward, args, test_utils=("test_schema", "test_faketensor"))


def test_a_gradient_of_a_gradient_is_refused() -> None:
    x, weights, biases, numbers, relu = chain()
    y = convolutions(x, weights, biases, numbers, relu)[-1]
    (of_x,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
    with pytest.raises(TrainingError, match="gradient of a gradient.*hint: leave this network on torch"):
        of_x.sum().backward()


def test_a_map_inside_has_no_gradient() -> None:
    maps = convolutions(*chain())
    with pytest.raises(TrainingError, match="inside a run"):
        maps[0].sum().backward()


def test_both_layouts_are_accepted() -> None:
    x, weights, biases, numbers, relu = chain()
    seen = [convolutions(t, weights, biases, numbers, relu)[-1] for t in (x, x.to(memory_format=torch.channels_last))]
    assert torch.equal(*seen)
    assert seen[0].is_contiguous(memory_format=torch.channels_last)


def test_without_gradients_the_last_map_alone_is_kept() -> None:
    x, weights, biases, numbers, relu = chain()
    maps = convolutions(x, weights, biases, numbers, relu)
    with torch.no_grad():
        (alone,) = convolutions(x, weights, biases, numbers, relu)
        slopes = [torch.empty(0)] * len(weights)
        args = (x, weights, biases, numbers, relu, slopes, False)
        torch.library.opcheck(convolutions_forward, args, test_utils=("test_schema", "test_faketensor"))
    assert len(maps) == len(weights) and torch.equal(alone, maps[-1])


def test_steps_hand_memory_to_each_other() -> None:
    x, weights, biases, numbers, relu = chain()

    def step() -> int:
        convolutions(x, weights, biases, numbers, relu)[-1].sum().backward()
        return sum(_engine.training_bytes())

    after = [step() for _ in range(4)]
    assert after[1] == after[2] == after[3]
    array = _engine.training_empty((3, 5, 7))
    place = array.ctypes.data
    del array
    assert _engine.training_empty((7, 5, 3)).ctypes.data == place


@pytest.mark.parametrize(
    ("x", "weight", "numbers", "message"),
    [
        ((1, 5, 5, 4), (8, 3, 3, 3), [1, 1, 1, 1, 1, 1, 1], "do not fit.*expected: 3 to 8 channels"),
        ((1, 5, 5, 3), (8, 3, 3, 3), [1, 1, 3, 3, 1, 1, 1], "padding beyond the kernel; seen: 3, 3"),
        ((1, 5, 5, 3), (8, 3, 3, 3), [0, 1, 1, 1, 1, 1, 1], "no such convolution"),
        ((5, 5, 3), (8, 3, 3, 3), [1, 1, 1, 1, 1, 1, 1], "maps of the wrong shape"),
    ],
)
def test_what_does_not_fit_is_refused(x: tuple, weight: tuple, numbers: list[int], message: str) -> None:
    out = np.zeros((1, 5, 5, 8), np.float32)
    with pytest.raises(PellucidError, match=message):
        _engine.training_forward(
            np.zeros(x, np.float32), np.zeros(weight, np.float32), None, numbers, False, None, out, 1
        )
