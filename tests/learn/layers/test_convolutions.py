"""The operators: against torch in float64 on every instruction set, the same bits for any number of threads, and what
torch asks of an operator."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pellucid import _engine
from pellucid.errors import PellucidError, TrainingError
from pellucid.learn.layers.convolutions import Geometry, convolutions, convolutions_backward, convolutions_forward

TOLERANCE = 2e-5
"""Of the largest value: float32 with Winograd's transforms, sums over a few thousand pixels."""


@dataclass(frozen=True)
class Case:
    n: int
    h: int
    w: int
    ic: int
    oc: int
    kernel: tuple[int, int] = (3, 3)
    stride: int = 1
    padding: int = 1
    dilation: int = 1
    groups: int = 1
    relu: bool = False
    slopes: tuple[float, float] | None = None  # from the first channel's to the last's; of one for all: twice the same

    @property
    def geometry(self) -> Geometry:
        s, p, d = self.stride, self.padding, self.dilation
        return Geometry((s, s), (p, p), (d, d), self.groups)

    @property
    def slope(self) -> Tensor:
        if self.slopes is None:
            return torch.empty(0)
        first, last = self.slopes
        return torch.tensor([first]) if first == last else torch.linspace(first, last, self.oc)


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
]


def tensors(case: Case) -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(case.ic * 131 + case.oc)
    taps = case.ic // case.groups * case.kernel[0] * case.kernel[1]
    x = torch.randn((case.n, case.ic, case.h, case.w), generator=random)
    weight = torch.randn((case.oc, case.ic // case.groups, *case.kernel), generator=random) * (2 / taps) ** 0.5
    return x, weight, torch.randn(case.oc, generator=random)


def results(case: Case, x: Tensor, weight: Tensor, bias: Tensor) -> list[Tensor]:
    """y and the gradients of x, weights, bias and slopes, for one gradient of y."""
    x, weight, bias, slope = (t.clone().requires_grad_() for t in (x, weight, bias, case.slope.to(x.dtype)))
    if x.dtype == torch.float64:
        y = F.conv2d(x, weight, bias, *case.geometry)
        y = y.relu() if case.relu else y if case.slopes is None else F.prelu(y, slope)
    else:
        y = convolutions(x, [weight], [bias], case.geometry.numbers(), [case.relu], [slope])[-1]
    gradient = torch.randn(y.shape, generator=torch.Generator().manual_seed(7)).to(y.dtype)
    wanted = [x, weight, bias] if case.slopes is None else [x, weight, bias, slope]
    return [y.detach(), *torch.autograd.grad(y, wanted, gradient)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_equals_torch_in_float64(case: Case, isa: str) -> None:
    given = tensors(case)
    right = results(case, *(t.double() for t in given))
    names = ("y", "gradient of x", "gradient of weights", "gradient of bias", "gradient of slopes")
    for name, seen, expected in zip(names[: len(right)], results(case, *given), right, strict=True):
        scale = max(float(expected.abs().max()), 1.0)
        assert seen.shape == expected.shape
        error = float((seen.double() - expected).abs().max()) / scale
        assert error < TOLERANCE, f"{name}: {error} of the largest value"


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 8, 9, 15, 16, 17, 31, 48, 63, 65, 96, 127, 129, 130])
def test_channel_counts(channels: int, isa: str) -> None:
    for case in (Case(1, 6, 7, channels, 19), Case(1, 6, 7, 19, channels), Case(1, 5, 6, channels, 3, stride=2)):
        given = tensors(case)
        for seen, expected in zip(results(case, *given), results(case, *(t.double() for t in given)), strict=True):
            scale = max(float(expected.abs().max()), 1.0)
            torch.testing.assert_close(seen.double(), expected, rtol=0, atol=TOLERANCE * scale)


@pytest.mark.parametrize("case", [CASES[0], CASES[11], CASES[15], CASES[21], CASES[25]], ids=str)
def test_same_bits_for_any_number_of_threads(case: Case, isa: str, threads: None) -> None:
    runs = []
    for count in (1, 2, 3, 4):
        torch.set_num_threads(count)
        runs.append(results(case, *tensors(case)))
    for run in runs[1:]:
        assert all(torch.equal(a, b) for a, b in zip(run, runs[0], strict=True))


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
