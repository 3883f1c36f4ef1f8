"""Losses of pictures on the engine: against the textbook in float64 on every instruction set, the same bits for any
number of threads, what torch asks of an operator, and what is left to torch."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from pellucid import _engine
from pellucid.errors import PellucidError, TrainingError
from pellucid.learn.layers import image_loss
from pellucid.learn.losses import Charbonnier, ImageLoss, MeanAbsolute, MeanSquared, on_torch
from pellucid.reference import losses as textbook

LOSSES: dict[str, tuple[ImageLoss, Callable[..., float], Callable[..., np.ndarray]]] = {
    "squared": (MeanSquared(), textbook.mse, textbook.mse_backward_data),
    "absolute": (MeanAbsolute(), textbook.mae, textbook.mae_backward_data),
    "charbonnier": (
        Charbonnier(0.05),
        lambda y, t: textbook.charbonnier(y, t, 0.05),
        lambda y, t: textbook.charbonnier_backward_data(y, t, 0.05),
    ),
}
SHAPES = [(1, 1, 1, 1), (2, 3, 5, 7), (3, 1, 9, 4), (1, 64, 6, 11), (2, 27, 13, 33), (5, 17, 40, 1), (1, 130, 1, 3)]
BIG = (3, 20, 70, 50)
"""More than one piece of work."""
FORMATS = {"first": torch.contiguous_format, "last": torch.channels_last}


def maps(shape: tuple[int, ...], of_output: str = "last", of_target: str = "last", spare: int = 0):
    """Output and target, some of their numbers the same."""
    random = torch.Generator().manual_seed(sum(shape))
    y = torch.randn(shape, generator=random)
    n, c, h, w = shape
    t = torch.randn((n, c, h + spare, w + 2 * spare), generator=random)
    inner = t[:, :, spare // 2 : spare // 2 + h, spare : spare + w]
    inner[torch.rand(shape, generator=random) < 0.2] = 0
    y[inner == 0] = 0
    made = (x.contiguous(memory_format=FORMATS[form]) for x, form in ((y, of_output), (t, of_target)))
    return tuple(made)


def found(loss: Callable[..., Tensor], y: Tensor, t: Tensor, upstream: float = 1.0) -> tuple[Tensor, Tensor]:
    """The value, and the gradient of `upstream` times it."""
    y = y.detach().requires_grad_()
    value = loss(y, t)
    (value * upstream if upstream != 1 else value).backward()
    assert y.grad is not None
    return value.detach(), y.grad


def as_textbook(x: Tensor) -> np.ndarray:
    return x.detach().double().permute(0, 2, 3, 1).numpy()


@pytest.fixture
def by_the_engine(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of losses that the engine has computed."""
    kinds: list[str] = []
    mean = image_loss.mean_loss
    monkeypatch.setattr(image_loss, "mean_loss", lambda *given: kinds.append(given[2]) or mean(*given))
    return kinds


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("shape", [*SHAPES, BIG], ids=str)
def test_value_and_gradient_are_the_textbooks(kind: str, shape: tuple[int, ...], isa: str, by_the_engine) -> None:
    loss, forward, backward = LOSSES[kind]
    for of_output in FORMATS:
        for of_target in FORMATS:
            for spare in (0, 2):
                y, t = maps(shape, of_output, of_target, spare)
                value, gradient = found(loss, y, t)
                assert float(value) == pytest.approx(forward(as_textbook(y), as_textbook(t)), rel=1e-6, abs=1e-12)
                right = backward(as_textbook(y), as_textbook(t))
                np.testing.assert_allclose(as_textbook(gradient), right, rtol=2e-6, atol=1e-6 * np.abs(right).max())
                assert gradient.stride() == y.stride()
    assert by_the_engine == [kind] * 8


@pytest.mark.parametrize("kind", LOSSES)
def test_an_output_in_bfloat16_is_compared_in_float32(kind: str, isa: str, by_the_engine) -> None:
    for shape in (*SHAPES, BIG):
        y, t = maps(shape)
        y = y.to(torch.bfloat16)
        value, gradient = found(LOSSES[kind][0], y, t)
        of_float, gradient_of_float = found(LOSSES[kind][0], y.float(), t)
        assert gradient.dtype == torch.bfloat16
        assert torch.equal(value, of_float)
        assert torch.equal(gradient, gradient_of_float.to(torch.bfloat16))
    assert len(by_the_engine) == 2 * len((*SHAPES, BIG))


@pytest.mark.parametrize("kind", LOSSES)
def test_same_bits_for_any_number_of_threads(kind: str, isa: str, threads: None) -> None:
    for of_output, of_target in (("last", "last"), ("first", "last")):
        runs = []
        for count in (1, 2, 3, 4):
            torch.set_num_threads(count)
            runs.append(found(LOSSES[kind][0], *maps(BIG, of_output, of_target, spare=2)))
        for run in runs[1:]:
            assert all(torch.equal(a, b) for a, b in zip(run, runs[0], strict=True))


@pytest.mark.parametrize("kind", LOSSES)
def test_a_gradient_from_above_that_is_not_one(kind: str) -> None:
    loss, _, backward = LOSSES[kind]
    y, t = maps((2, 3, 5, 7))
    _, gradient = found(loss, y, t, upstream=-0.3)
    right = -0.3 * backward(as_textbook(y), as_textbook(t))
    np.testing.assert_allclose(as_textbook(gradient), right, rtol=1e-5, atol=1e-7)


def test_going_back_twice_gives_the_same_gradient_twice() -> None:
    y, t = maps((2, 3, 5, 7))
    once = found(MeanSquared(), y, t)[1]
    y.requires_grad_()
    value = MeanSquared()(y, t)
    value.backward(retain_graph=True)
    value.backward(retain_graph=True)
    assert y.grad is not None
    assert torch.equal(y.grad, 2 * once)
    (again,) = torch.autograd.grad(value, y)
    assert torch.equal(again, once)


def test_no_gradient_is_made_that_nobody_wants() -> None:
    y, t = maps((2, 3, 5, 7))
    assert not MeanSquared()(y, t).requires_grad
    assert image_loss.image_loss(y, t, "squared", 0.0, False)[1].numel() == 0
    with torch.no_grad():
        assert not MeanSquared()(y.requires_grad_(), t).requires_grad


def test_what_is_not_a_number_shows() -> None:
    y, t = maps((2, 3, 5, 7))
    y[1, 2, 3, 4] = float("nan")
    value, gradient = found(MeanSquared(), y, t)
    assert value.isnan()
    assert gradient.isnan().sum() == 1


def test_steps_hand_the_gradients_memory_to_each_other() -> None:
    y, t = maps(BIG)
    sums = []
    for _ in range(4):
        found(MeanSquared(), y, t)
        sums.append(sum(_engine.training_bytes()))
    assert sums[1] == sums[-1]


@pytest.mark.parametrize("upstream", [1.0, 2.0])
def test_a_gradient_of_a_gradient_is_refused(upstream: float) -> None:
    y, t = maps((2, 3, 5, 7))
    y.requires_grad_()
    (gradient,) = torch.autograd.grad(MeanSquared()(y, t) * upstream, y, create_graph=True)
    with pytest.raises(TrainingError, match="gradient of a gradient.*hint: .*on_torch"):
        gradient.sum().backward()
    (gradient,) = torch.autograd.grad(MeanSquared().on_torch(y, t), y, create_graph=True)
    gradient.sum().backward()


def test_what_torch_asks_of_an_operator() -> None:
    y, t = maps((2, 3, 4, 5))
    for output in (y, y.contiguous(), y.to(torch.bfloat16)):
        args = (output.requires_grad_(), t, "charbonnier", 0.1, True)
        torch.library.opcheck(image_loss.image_loss, args, test_utils=("test_schema", "test_faketensor"))
        torch.library.opcheck(image_loss.image_loss, args, test_utils="test_autograd_registration")


@pytest.mark.parametrize("upstream", [1.0, 3.0])
def test_compiled_it_gives_the_same_bits(upstream: float) -> None:
    loss = Charbonnier()
    compiled = torch.compile(copy.deepcopy(loss).__call__, backend="aot_eager", fullgraph=True)
    for spare in (0, 2):
        given = maps((2, 3, 6, 5), spare=spare)
        for a, b in zip(found(loss, *given, upstream), found(compiled, *given, upstream), strict=True):
            assert torch.equal(a, b)


def test_the_rest_is_torchs(by_the_engine) -> None:
    y, t = maps((2, 3, 6, 5))
    for output, target in ((y.double(), t.double()), (y, t.double()), (y[:, 1:], t[:, 1:]), (y, t.to(torch.bfloat16))):
        value, gradient = found(MeanSquared(), output, target)
        right = torch.nn.functional.mse_loss(output.double(), target.double())
        torch.testing.assert_close(value.double(), right)
        assert gradient.dtype == output.dtype
    assert not by_the_engine
    found(on_torch(MeanSquared()), y, t)
    assert not by_the_engine
    t.requires_grad_()
    MeanSquared()(y, t).backward()
    assert t.grad is not None


def test_exported_it_is_torchs() -> None:
    class Compared(torch.nn.Module):
        def forward(self, y: Tensor, t: Tensor) -> Tensor:
            return MeanSquared()(y, t)

    program = torch.export.export(Compared(), maps((2, 3, 6, 5)))
    assert not any("pellucid" in str(node.target) for node in program.graph.nodes)


def test_what_does_not_fit_is_refused() -> None:
    y, t = (np.zeros((1, 2, 3, n), np.float32) for n in (4, 5))
    with pytest.raises(PellucidError, match=r"do not fit each other; seen: \(1, 2, 3, 5\)"):
        _engine.training_loss(y, t, "squared", 0.0, None, 1)
    with pytest.raises(PellucidError, match="an unknown loss; seen: huber; expected: squared, absolute or charbonnier"):
        _engine.training_loss(y, y, "huber", 0.0, None, 1)
