"""[promises] What the engine promises of every model that ships: streamed equals whole, memory that does not grow with
the height, ceilings kept or refused, and bfloat16 that does no harm."""

import numpy as np
import pytest

import pellucid
from pellucid import _engine, models
from pellucid.errors import ResourceError
from pellucid.network import ACCEPTED_LOSS_DB, Network
from tests.engine.steps import same_bits_at

NAMES = models.names()


@pytest.fixture(params=NAMES, scope="module")
def network(request: pytest.FixtureRequest) -> Network:
    return pellucid.load(request.param)


def picture(network: Network, h: int, w: int) -> np.ndarray:
    """Not noise alone: a network for pictures answers to it as to pictures."""
    h, w = network.graph.size or (h, w)
    random = np.random.default_rng(0)
    coarse = random.random((1, h // 8 + 1, w // 8 + 1, network.graph.channels))
    smooth = coarse.repeat(8, 1)[:, :h].repeat(8, 2)[:, :, :w]
    x = (0.9 * smooth + 0.1 * random.random(smooth.shape)).astype(np.float32)
    if network.card.task == "denoise":
        x[..., -1] = 0.1  # the level of the noise
    return x


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_streamed_is_whole(network: Network, precision: str) -> None:
    x = picture(network, 50, 84)
    h, w = x.shape[1:3]
    whole = network.run(x, precision, threads=1)
    for threads in (1, 3):
        assert np.array_equal(network.run(x, precision, threads=threads), whole)
        rows = list(network.stream(x[0], h, precision, threads=threads))
        assert np.array_equal(np.stack(rows), whole[0])
    least = least_ceiling(network, h, w, precision)
    assert np.array_equal(network.run(x, precision, threads=3, memory=least), whole)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_same_bits_at_any_strip_and_block(network: Network, precision: str) -> None:
    """The steps are the engine's own matter, which a network's face does not show."""
    engine, x = network._engine(precision), picture(network, 64, 96)
    same_bits_at(engine, x, [(2, 7, 4), (3, 40, 16), (3, 0, _engine.BY_LAYERS)])


def least_ceiling(network: Network, h: int, w: int, precision: str = "fp32") -> int:
    with pytest.raises(ResourceError) as refusal:
        network.plan(h, w, precision, threads=1, memory=1)
    return refusal.value.least_bytes


def test_twice_the_height_adds_less_than_a_megabyte(network: Network) -> None:
    if network.graph.size:
        pytest.skip("it takes pictures of one size only")
    small, large = (network.plan(h, 1920, threads=2)["arena_bytes"] for h in (1080, 2160))
    assert large - small < 1 << 20


def test_a_ceiling_is_kept_or_refused_with_the_least_that_would_do(network: Network) -> None:
    h, w = network.graph.size or (400, 600)
    least = least_ceiling(network, h, w)
    plan = network.plan(h, w, "fp32", threads=4, memory=least)
    assert plan["arena_bytes"] + plan["scratch_bytes"] <= least
    with pytest.raises(ResourceError, match="at least"):
        network.plan(h, w, "fp32", threads=4, memory=least - 1)


def test_without_a_ceiling_a_wide_picture_takes_no_more_threads_than_is_modest(network: Network) -> None:
    if network.graph.size:
        pytest.skip("it takes pictures of one size only")
    plan = network.plan(10_000, 10_000)
    assert plan["threads"] == 1 or plan["arena_bytes"] + plan["scratch_bytes"] <= 448 << 20


@pytest.mark.parametrize("name", [name for name in NAMES if pellucid.load(name).card.task in ("superres", "denoise")])
def test_bfloat16_costs_at_most_what_is_accepted(name: str) -> None:
    """As its card says, measured when it was shipped: for pictures, PSNR in float32 less that in bfloat16."""
    card = pellucid.load(name).card
    assert card.figures and "psnr" in card.figures[0].values
    assert card.bf16_loss_db is not None and card.bf16_loss_db <= ACCEPTED_LOSS_DB


def test_tiles_compute_what_float32_does(network: Network) -> None:
    """bfloat16 on emulated matrix tiles: a picture differs by less than an 8 bit step, what is no picture by 1 %."""
    x = picture(network, 30, 44)
    before = _engine.isa()
    exact = network.run(x, "fp32")
    _engine.set_isa("amx-emulated")
    rounded = pellucid.load(network.name).run(x, "bf16")
    _engine.set_isa(before)
    allowed = 1 / 255 if network.card.task in ("superres", "denoise") else 0.01 * np.abs(exact).max()
    assert 0 < np.sqrt(np.mean((rounded - exact) ** 2)) < allowed
