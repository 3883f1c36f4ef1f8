"""The engine's AdamW: held to the reference, to torch's, and to what the trainer asks of it."""

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from pellucid.errors import TrainingError  # noqa: E402
from pellucid.learn.training.adam import AdamW, gradient_length  # noqa: E402
from pellucid.reference import optimisers  # noqa: E402

SIZES = [(1,), (7,), (3, 5), (16,), (40, 33, 3, 3), (130_001,)]
STEPS = 20


def parameters() -> list[nn.Parameter]:
    random = torch.Generator().manual_seed(1)
    return [nn.Parameter(torch.randn(size, generator=random)) for size in SIZES]


def gradients(step: int) -> list[Tensor]:
    random = torch.Generator().manual_seed(100 + step)
    return [torch.randn(size, generator=random) * 10 ** (k - 3) for k, size in enumerate(SIZES)]


def walk(optimiser: torch.optim.Optimizer, weights: list[nn.Parameter], steps: range, **settings: object) -> None:
    for step in steps:
        for p, gradient in zip(weights, gradients(step), strict=True):
            p.grad = gradient
        optimiser.step(**settings)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_it_is_the_reference(decay: float, isa: str) -> None:
    weights = parameters()
    rules = [optimisers.AdamW(0.01, 0.8, 0.99, 1e-6, decay=decay) for _ in weights]
    right = [p.detach().double().numpy() for p in weights]
    averages = {p: p.detach().clone() for p in weights}
    right_averages = list(right)
    optimiser = AdamW(weights, 0.01, (0.8, 0.99), 1e-6, decay)
    for step in range(STEPS):
        walk(optimiser, weights, range(step, step + 1), gradient_factor=0.5, averages=averages, toward=0.25)
        for k, gradient in enumerate(gradients(step)):
            right[k] = rules[k].step(right[k], 0.5 * gradient.double().numpy())
            right_averages[k] = right_averages[k] + 0.25 * (right[k] - right_averages[k])
    for p, seen, average in zip(weights, right, right_averages, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), seen, rtol=0, atol=5e-6)
        np.testing.assert_allclose(averages[p].numpy(), average, rtol=0, atol=5e-6)


def test_same_bits_for_any_number_of_threads(threads: None) -> None:
    runs = []
    for count in (1, 2, 3):
        torch.set_num_threads(count)
        weights = parameters()
        walk(AdamW(weights), weights, range(3))
        runs.append([*weights, torch.tensor(gradient_length(weights))])
    for run in runs[1:]:
        assert all(torch.equal(a, b) for a, b in zip(run, runs[0], strict=True))


@pytest.mark.parametrize("kinds", [(torch.optim.AdamW, AdamW), (AdamW, torch.optim.AdamW), (AdamW, AdamW)])
def test_either_goes_on_with_what_the_other_saved(kinds: tuple[type, type]) -> None:
    weights, unbroken = parameters(), parameters()
    first = kinds[0](weights, lr=0.01)
    walk(first, weights, range(5))
    second = kinds[1](weights, lr=1.0)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    walk(second, weights, range(5, 10))
    walk(torch.optim.AdamW(unbroken, lr=0.01), unbroken, range(10))
    for seen, right in zip(weights, unbroken, strict=True):
        torch.testing.assert_close(seen, right, rtol=0, atol=5e-6)


def test_layouts_may_differ() -> None:
    """Channels-last weights go on from a state saved of contiguous ones, with gradients of either layout."""
    weight = torch.randn(4, 3, 3, 3)
    ours, theirs = (nn.Parameter(weight.clone()) for _ in range(2))
    one = AdamW([ours])
    ours.grad = weight.square()
    one.step()
    turned = nn.Parameter(ours.detach().to(memory_format=torch.channels_last))
    other = AdamW([turned])
    other.load_state_dict(one.state_dict())
    turned.grad = ours.grad.clone(memory_format=torch.contiguous_format)
    other.step()
    right = torch.optim.AdamW([theirs])
    for _ in range(2):
        theirs.grad = weight.square()
        right.step()
    torch.testing.assert_close(turned.detach(), theirs.detach(), rtol=0, atol=1e-6)


def test_what_has_no_gradient_stays() -> None:
    weights = parameters()
    optimiser = AdamW(weights)
    walk(optimiser, weights, range(2))
    before = [p.detach().clone() for p in weights]
    weights[2].grad = None
    optimiser.step()
    assert torch.equal(weights[2], before[2]) and not torch.equal(weights[3], before[3])
    assert [int(optimiser.state[p]["step"]) for p in weights] == [3, 3, 2, 3, 3, 3]


def test_length() -> None:
    weights = parameters()
    for p, gradient in zip(weights, gradients(0), strict=True):
        p.grad = gradient
    right = np.sqrt(sum(float(p.grad.double().square().sum()) for p in weights))
    assert gradient_length(weights) == pytest.approx(right, rel=1e-12)
    weights[1].grad[3] = torch.nan
    assert np.isnan(gradient_length(weights))


def test_what_it_does_not_take_is_refused() -> None:
    with pytest.raises(TrainingError, match="does not take; seen: torch.float64.*hint: torch.optim.AdamW takes it"):
        AdamW([nn.Parameter(torch.zeros(3, dtype=torch.float64))])
    with pytest.raises(TrainingError, match="strides"):
        AdamW([nn.Parameter(torch.zeros(3, 4)[:, ::2])])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p.bfloat16(), "does not take; seen: torch.bfloat16"),
        (lambda p: p.double(), "does not take; seen: torch.float64"),
        (lambda p: torch.zeros(60, 80)[::2, ::2], r"does not take; seen: torch.float32.*strides \(160, 2\)"),
    ],
)
def test_a_parameter_that_became_another_is_refused_before_anything_moves(change, message) -> None:
    """The engine is given addresses: with another type or gaps it would write beyond the parameter."""
    first, p = (nn.Parameter(torch.zeros(30, 40)) for _ in range(2))
    optimiser = AdamW([first, p])
    p.data = change(p.data)
    first.grad, p.grad = torch.ones_like(first), torch.ones_like(p)
    with pytest.raises(TrainingError, match=message):
        optimiser.step()
    with pytest.raises(TrainingError, match=message):
        gradient_length([first, p])
    assert not first.any() and first not in optimiser.state


def test_state_and_gradient_of_another_shape_are_refused() -> None:
    p = nn.Parameter(torch.zeros(4))
    optimiser = AdamW([p])
    p.grad = torch.ones(4)
    optimiser.step()
    p.data = torch.zeros(6000)
    with pytest.raises(TrainingError, match=r"a gradient that does not fit.*shape \(4,\).*expected: .*shape \(6000,\)"):
        optimiser.step()
    with pytest.raises(TrainingError, match="a gradient that does not fit"):
        gradient_length([p])
    p.grad = torch.ones(6000)
    with pytest.raises(TrainingError, match=r"a saved average that does not fit its parameter; seen: .*shape \(4,\)"):
        optimiser.step()


def test_a_sparse_gradient_is_refused() -> None:
    p = nn.Embedding(5, 3, sparse=True)
    optimiser = AdamW(p.parameters())
    p(torch.tensor([1])).sum().backward()
    with pytest.raises(TrainingError, match="a gradient that does not fit its parameter; seen: .*sparse_coo"):
        optimiser.step()


@pytest.mark.parametrize(
    "average", [torch.zeros(3, 4, dtype=torch.float64), torch.zeros(4, 3).T, torch.zeros(6, 4)[:3].reshape(4, 3)]
)
def test_an_average_unlike_its_parameter_is_refused(average: Tensor) -> None:
    p = nn.Parameter(torch.zeros(3, 4))
    p.grad = torch.ones(3, 4)
    with pytest.raises(
        TrainingError, match="an average that is not as its parameter is; seen: .*; expected: torch.float32"
    ):
        AdamW([p]).step(averages={p: average}, toward=0.5)
    assert not p.any()


@pytest.mark.parametrize("rule", ["maximize", "amsgrad"])
def test_rules_that_it_does_not_follow_are_refused(rule: str) -> None:
    """Torch's AdamW has them, and its state brings them along."""
    weights = [nn.Parameter(torch.zeros(3))]
    weights[0].grad = torch.ones(3)
    theirs, ours = torch.optim.AdamW(weights, **{rule: True}), AdamW(weights)
    theirs.step()
    refused = pytest.raises(TrainingError, match=f"has no {rule}; seen: {rule}=True; .*hint: torch.optim.AdamW has it")
    with refused:
        ours.load_state_dict(theirs.state_dict())
    assert not ours.state
    with refused:
        AdamW([{"params": weights, rule: True}])
    ours.param_groups[0][rule] = True
    with refused:
        ours.step()
