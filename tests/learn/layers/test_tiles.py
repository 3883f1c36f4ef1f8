"""Convolutions in bfloat16 on matrix tiles, emulated: against torch and the reference in float64, in chains, under
autocast, in training.

Every width of vectors is in engine/training/tile_convolution_test.cpp.
"""

import copy
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pellucid import _engine
from pellucid.errors import PellucidError, TrainingError
from pellucid.learn import accelerate
from pellucid.learn.layers import on_tiles
from pellucid.learn.layers.layer import Layer
from pellucid.learn.layers.tiles import tiles, tiles_backward, tiles_forward
from tests.learn.layers.runs import (
    CHANNELS,
    NOT_FINITE,
    Case,
    by_reference,
    by_torch,
    in_bfloat16,
    leaves,
    names,
    operands,
    parameters,
    tensors,
    then,
)

ROUNDED = 1 / 256
"""Of the largest value: what is stored as bfloat16."""
SUMMED = 1e-5
"""Of the largest value: float32 sums of products that are exact."""
TURNED = 1e-3
"""Of all values' length: a few sums lie so near the middle of two numbers of bfloat16 that float64 takes the other."""


@pytest.fixture(autouse=True)
def emulation() -> Iterator[None]:
    before, threads = _engine.isa(), torch.get_num_threads()
    _engine.set_isa("amx-emulated")
    yield
    _engine.set_isa(before)
    torch.set_num_threads(threads)


def autocast(dtype: torch.dtype = torch.bfloat16) -> torch.autocast:
    return torch.autocast("cpu", dtype)


PRESENT = [
    "amx-emulated",
    pytest.param("amx", marks=pytest.mark.skipif("amx" not in _engine.isas(), reason="no matrix tiles here")),
]


@pytest.fixture(params=PRESENT)
def tiled(request: pytest.FixtureRequest) -> None:
    """The emulation, and the tiles themselves where they are."""
    _engine.set_isa(request.param)


one_by_one = partial(Case, kernel=(1, 1), padding=0)
CASES = [
    Case(2, 13, 17, 64, 64, relu=True),
    Case(3, 9, 8, 3, 64),
    Case(1, 11, 31, 64, 27),
    Case(2, 12, 32, 32, 32, slopes=(0.01, 0.4)),
    Case(1, 1, 1, 1, 1),
    Case(1, 1, 40, 5, 9, relu=True),
    Case(2, 40, 1, 17, 130, slopes=(-0.5, 0.5)),
    Case(1, 10, 9, 130, 48, relu=True),
    one_by_one(2, 9, 7, 12, 20, slopes=(0.2, 1.5)),
    Case(2, 70, 50, 6, 7, relu=True),
]
CHAINS = [
    [Case(2, 13, 17, 3, 32, relu=True), then(32, 48, slopes=(0.1, 0.6)), one_by_one(0, 0, 0, 48, 27)],
    [Case(1, 23, 18, 5, 33, slopes=(0.25, 0.25)), then(33, 12, bias=False, relu=True), then(12, 8, slopes=(-0.3, 0.3))],
    [Case(1, 9, 40, 16, 64, slopes=(0.0, 0.0)), then(64, 64), then(64, 3, relu=True)],
]


def by_tiles(x: Tensor, layers: list[Layer], gradient: Tensor) -> list[Tensor]:
    x, layers = leaves(x, layers)
    y = tiles(x, *operands(layers))
    return [y.detach(), *torch.autograd.grad(y, [x, *parameters(layers)], gradient.bfloat16())]


@pytest.mark.parametrize("right", [by_torch, by_reference])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_equals_float64(case: Case, right: Callable[..., list[Tensor]], tiled: None) -> None:
    # Slopes of few bits leave a gradient that is rounded once more before it meets the weights.
    exact = case.slopes is None
    tolerances = {"y": ROUNDED, "gradient of x": ROUNDED if exact else 2 * ROUNDED, "gradient of slope 0": 2 * ROUNDED}
    given = tensors([case], torch.bfloat16)
    for name, seen, expected in zip(names(given[1]), by_tiles(*given), right(*given), strict=True):
        assert seen.shape == expected.shape
        assert seen.dtype == (torch.bfloat16 if name == "y" else torch.float32)
        error = float((seen.double() - expected).abs().max() / max(expected.abs().max(), 1))
        assert error <= tolerances.get(name, SUMMED if exact else ROUNDED), f"{name}: {error}"


@pytest.mark.parametrize("run", [*([case] for case in CASES), *CHAINS], ids=str)
def test_equals_a_reference_that_rounds_what_it_stores(run: list[Case], tiled: None) -> None:
    hold_to_rounding(run)


def hold_to_rounding(run: list[Case]) -> None:
    given = tensors(run, torch.bfloat16)
    right = by_reference(*given, stored=in_bfloat16)
    for name, seen, expected in zip(names(given[1]), by_tiles(*given), right, strict=True):
        error = float((seen.double() - expected).norm() / expected.norm())
        most = 2 * ROUNDED if "slope" in name else TURNED  # slopes learn from maps that were rounded
        assert error < most, f"{name} of {run}: {error}"


def test_channel_counts(tiled: None) -> None:
    for ic, oc in CHANNELS:
        hold_to_rounding([(Case if ic % 3 else one_by_one)(1, 5, 7, ic, oc, slopes=(0.1, 0.6))])


@pytest.mark.parametrize("slope", [0.25, 0.0, -0.5])
def test_slopes_learn_from_what_is_not_finite_as_torchs(slope: float, tiled: None) -> None:
    layers = [
        Layer(torch.ones(1, 1, 1, 1), torch.empty(0), one_by_one(1, 1, 1, 1, 1).geometry, False, torch.tensor([slope]))
    ]
    for x, gradient in torch.tensor(NOT_FINITE).reshape(-1, 2, 1, 1, 1, 1):
        for seen, right in zip(by_tiles(x, layers, gradient), by_torch(x, layers, gradient), strict=True):
            torch.testing.assert_close(seen.double(), right, equal_nan=True)


def chain(last: list[nn.Module] | None = None) -> nn.Sequential:
    torch.manual_seed(5)
    layers = [nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 48, 3, padding=1, bias=False), nn.PReLU(48)]
    more = [nn.Conv2d(48, 20, 1), nn.LeakyReLU(0.1), nn.Conv2d(20, 27, 3, padding=1), *(last or [])]
    return nn.Sequential(*layers, *more)


def on_the_engine(network: nn.Module) -> nn.Module:
    fast = copy.deepcopy(network)
    assert not accelerate(fast).left
    return fast


def gradients_of(network: nn.Module, x: Tensor) -> tuple[Tensor, list[Tensor]]:
    x = x.clone().requires_grad_()
    with autocast():
        y = network(x)
    weight = torch.randn(y.shape, generator=torch.Generator().manual_seed(2))
    return y.detach(), list(torch.autograd.grad((y * weight).sum(), [x, *network.parameters()]))


@pytest.mark.parametrize("last", [[], [nn.ReLU()], [nn.PReLU()]], ids=["plain", "relu", "prelu"])
def test_a_chain_is_as_near_to_float64_as_torch_in_bfloat16(last: list[nn.Module]) -> None:
    network, x = chain(last), torch.randn(2, 3, 9, 12)
    exact = copy.deepcopy(network).double()
    right = exact(x.double())  # signs that rounding turns make most of the gradients' errors, torch's as well
    weight = torch.randn(right.shape, generator=torch.Generator().manual_seed(2))
    right_gradients = torch.autograd.grad((right * weight).sum(), list(exact.parameters()))
    right = right.detach()
    y, ours = gradients_of(on_the_engine(network), x)
    z, theirs = gradients_of(network, x)
    assert y.dtype == z.dtype == torch.bfloat16 and ours[0].dtype == torch.float32
    errors = [
        [float((seen.double() - g).norm() / g.norm()) for seen, g in zip(all_, right_gradients, strict=True)]
        for all_ in (ours[1:], theirs[1:])
    ]
    assert float((y - right).norm() / right.norm()) < 1.2 * float((z - right).norm() / right.norm())
    assert np.mean(errors[0]) < 1.3 * np.mean(errors[1]) and max(errors[0]) < 0.1


def test_same_bits_for_any_number_of_threads(tiled: None) -> None:
    network, x = on_the_engine(chain([nn.PReLU()])), torch.randn(3, 3, 40, 33)
    runs = []
    for count in (1, 2, 3, 4):
        torch.set_num_threads(count)
        y, gradients = gradients_of(network, x)
        runs.append([y, *gradients])
    for run in runs[1:]:
        assert all(torch.equal(a, b) for a, b in zip(run, runs[0], strict=True))


def test_a_chain_equals_its_layers() -> None:
    torch.manual_seed(1)
    layers = [nn.Conv2d(5, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 7, 3, padding=1), nn.ReLU()]
    whole = on_the_engine(nn.Sequential(*layers))
    one_by_one = nn.Sequential(*map(on_the_engine, layers[:1]), layers[1], *map(on_the_engine, layers[2:3]), layers[3])
    x = torch.randn(2, 5, 8, 9)
    for a, b in zip(gradients_of(whole, x)[1], gradients_of(one_by_one, x)[1], strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("slope", [0.0, 1e-9])
def test_a_slope_of_nothing_learns(slope: float) -> None:
    """What went in no longer shows in what came out."""
    torch.manual_seed(3)
    plain = nn.Sequential(nn.Conv2d(4, 9, 3, padding=1), nn.PReLU(init=slope), nn.Conv2d(9, 4, 3, padding=1))
    x = torch.randn(2, 4, 7, 6)
    ours, theirs = (gradients_of(network, x)[1] for network in (on_the_engine(plain), plain))
    torch.testing.assert_close(ours[3], theirs[3], rtol=0.02, atol=0)


def test_what_tiles_do_not_take_stays_on_torch() -> None:
    torch.manual_seed(3)
    middle = [nn.Conv2d(8, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 5, padding=2), nn.Sigmoid()]
    edge = nn.Conv2d(8, 4, 3, padding=1, padding_mode="replicate")
    plain = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), *middle, edge, nn.Conv2d(4, 2, 1))
    x = torch.randn(2, 3, 12, 13)
    ours, theirs = (gradients_of(network, x) for network in (on_the_engine(plain), plain))
    torch.testing.assert_close(ours[0], theirs[0], rtol=0.05, atol=0.02)
    for a, b in zip(ours[1], theirs[1], strict=True):
        assert float((a - b).norm()) < 0.05 * float(b.norm())


def test_only_autocast_to_bfloat16_goes_to_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    forward = on_tiles.forward
    monkeypatch.setattr(on_tiles, "forward", lambda *given: calls.append(1) or forward(*given))
    network, x = on_the_engine(chain()), torch.randn(1, 3, 6, 7)
    network(x)
    with autocast(torch.float16):
        network(x)
    assert not calls
    with autocast(), torch.autocast("cpu", enabled=False):
        network(x)
    assert not calls
    with autocast():
        network(x)
    assert len(calls) == 4
    _engine.set_isa("scalar")
    with autocast():
        network(x)
    assert len(calls) == 4


def test_a_step_asks_for_no_memory_that_an_earlier_one_did_not() -> None:
    network, x, held = on_the_engine(chain([nn.PReLU()])), torch.randn(2, 3, 16, 17), []
    for _ in range(4):
        gradients_of(network, x)
        held.append(sum(_engine.training_bytes()))
    assert held[1] == held[2] == held[3]


@pytest.mark.parametrize("channels", [1, 3, 16, 27, 32, 63, 64, 130])
def test_maps_of_float32_are_rounded_on_the_way(channels: int) -> None:
    x = torch.randn(2, channels, 5, 7).to(memory_format=torch.channels_last)
    rounded = x.to(torch.bfloat16)
    seen, right, size = on_tiles.to_tiles(x), on_tiles.to_tiles(rounded), on_tiles.size_of(x)
    assert torch.equal(on_tiles.from_tiles(seen, size, channels), rounded)
    padded = -(-channels // 16) * 16
    behind = 64 * (padded if padded % 32 else 32)  # what products may read in excess and do not use
    assert torch.equal(seen[:-behind], right[:-behind])


def test_what_a_run_gave_may_be_changed_in_place() -> None:
    network, x = on_the_engine(chain()), torch.randn(1, 3, 6, 7)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(network(x).mul_(2), 2 * network(x))
        network(x).add_(1).sum().backward()


def test_without_gradients_the_last_map_alone_is_kept() -> None:
    weights, numbers = [torch.randn(4, 4, 3, 3) for _ in range(3)], 3 * Case(1, 1, 1, 1, 1).geometry.numbers()
    args = (torch.randn(1, 4, 6, 7), weights, [torch.empty(0)] * 3, numbers, [True] * 3, [torch.empty(0)] * 3)
    kept, alone = tiles_forward(*args, True), tiles_forward(*args, False)
    assert len(kept) == 7 and len(alone) == 1
    assert torch.equal(kept[0], alone[0])
    torch.library.opcheck(tiles_forward, (*args, False), test_utils=("test_schema", "test_faketensor"))


@pytest.mark.parametrize("channels", [2, 4])
def test_other_channels_are_refused(channels: int) -> None:
    with (
        torch.autocast("cpu", torch.bfloat16),
        pytest.raises(TrainingError, match=f"channels; seen: {channels}; expected: 3"),
    ):
        on_the_engine(chain())(torch.randn(1, channels, 6, 7))


@pytest.mark.parametrize("dtype", [torch.float64, torch.int64])
def test_other_types_are_torchs_to_refuse(dtype: torch.dtype) -> None:
    with torch.autocast("cpu", torch.bfloat16), pytest.raises(RuntimeError, match="same|type"):
        on_the_engine(chain())(torch.ones(1, 3, 6, 7, dtype=dtype))


def test_masks_take_a_bit_for_each_value() -> None:
    size, channels = (4, 63, 63), 64
    values = 4 * 63 * 63 * channels
    maps, mask = _engine.training_tile_sizes(size, channels)
    assert values <= maps < 1.07 * values
    assert values <= 16 * mask < 1.07 * values


def test_what_torch_asks_of_an_operator() -> None:
    weights = [torch.randn(4, 2, 3, 3, requires_grad=True), torch.randn(3, 4, 1, 1, requires_grad=True)]
    biases = [torch.randn(4, requires_grad=True), torch.empty(0)]
    numbers = Case(1, 1, 1, 1, 1).geometry.numbers() + one_by_one(1, 1, 1, 1, 1).geometry.numbers()
    slopes = [torch.full((4,), 0.25, requires_grad=True), torch.empty(0)]
    x = torch.randn(2, 2, 4, 3, requires_grad=True)
    args = (x, weights, biases, numbers, [False, True], slopes, True)
    torch.library.opcheck(tiles_forward, args, test_utils=("test_schema", "test_autograd_registration"))
    torch.library.opcheck(tiles_forward, args, test_utils=("test_faketensor",))
    with torch.no_grad():
        y, a, b, *masks = tiles_forward(*args)
        back = (torch.randn_like(y), [a, b], masks, *args[1:-1], [True, False], True)
        torch.library.opcheck(tiles_backward, back, test_utils=("test_schema", "test_faketensor"))


def test_compiled_it_gives_the_same_bits() -> None:
    network, x = on_the_engine(chain()), torch.randn(1, 3, 6, 7)
    compiled = torch.compile(network, backend="aot_eager", fullgraph=True)
    for a, b in zip(gradients_of(network, x)[1], gradients_of(compiled, x)[1], strict=True):
        assert torch.equal(a, b)


def test_a_gradient_of_a_gradient_is_refused() -> None:
    network, x = on_the_engine(chain()), torch.randn(1, 3, 6, 7, requires_grad=True)
    with autocast():
        y = network(x)
    (gradient,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
    with pytest.raises(TrainingError, match="gradient of a gradient"):
        gradient.sum().backward()


@pytest.mark.parametrize(
    ("weight", "length", "message"),
    [
        ((4, 3, 3, 3), 5, "tiled maps of the wrong length"),
        ((4, 3, 5, 5), 0, "weights that tiles do not train"),
        ((4, 3, 3, 1), 0, "weights that tiles do not train"),
    ],
)
def test_what_does_not_fit_is_refused(weight: tuple[int, ...], length: int, message: str) -> None:
    size = (1, 4, 5)
    into, out = (np.zeros(_engine.training_tile_sizes(size, c)[0], np.int16) for c in (3, 4))
    with pytest.raises(PellucidError, match=message):
        _engine.training_tile_forward(
            into[length:], size, np.zeros(weight, np.float32), None, False, None, None, out, 1
        )


def test_training_falls_as_torchs_does() -> None:
    """A small network learns to sharpen, for forty steps; the last losses are within a hundredth of each other."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.PReLU(16)]
    start = nn.Sequential(*layers, nn.Conv2d(16, 3, 3, padding=1))
    target = torch.rand(4, 3, 16, 16)
    x = F.avg_pool2d(target, 3, 1, 1)
    curves = []
    for network in (on_the_engine(start), copy.deepcopy(start)):
        optimiser, losses = torch.optim.Adam(network.parameters(), lr=3e-3), []
        for _ in range(40):
            optimiser.zero_grad()
            with autocast():
                loss = F.mse_loss(network(x).float(), target)
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        curves.append(losses)
    ours, theirs = curves
    assert ours[-1] < 0.5 * ours[0]
    assert np.allclose(ours, theirs, rtol=0.02, atol=1e-4)
    assert abs(ours[-1] - theirs[-1]) < 0.01 * theirs[-1]
