"""[promises] Streamed equals whole, bit for bit; memory does not grow with the height; ceilings are kept."""

import re
import time

import numpy as np
import pytest

import pellucid
from pellucid import _engine
from pellucid.errors import GraphError, ResourceError, UsageError
from tests.engine.graphs import KINDS, residual_chain, several_passes, u_net
from tests.engine.steps import STEPS, same_bits_at

GRAPHS = [(kind, seed) for kind in KINDS for seed in range(4)]
IDS = [f"{kind.__name__}-{seed}" for kind, seed in GRAPHS]


def picture(h: int, w: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((1, h, w, 3), dtype=np.float32)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(("kind", "seed"), GRAPHS, ids=IDS)
def test_same_bits_at_any_strip_block_thread_and_ceiling(kind, seed, precision) -> None:
    network = _engine.Network(kind(seed), 3, precision)
    for h, w in [(36, 60), (20, 100), (8, 8)]:
        x = picture(h, w, seed)
        whole = same_bits_at(network, x, STEPS)
        least = min(_ceiling(network, h, w, threads=3), _ceiling(network, h, w, threads=1))
        y, _ = network.run(x, threads=3, memory=least)
        assert np.array_equal(y, whole), (h, w, least)


def _ceiling(network, h: int, w: int, threads: int) -> int:
    """The least that the engine says would do."""
    with pytest.raises(ResourceError) as refusal:
        network.run(picture(h, w), threads=threads, memory=1)
    return refusal.value.least_bytes


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(("kind", "seed"), GRAPHS, ids=IDS)
def test_streams_give_the_same_bits(kind, seed, precision) -> None:
    network = _engine.Network(kind(seed), 3, precision)
    h, w = 44, 24
    x = picture(h, w, seed)
    whole, _ = network.run(x)
    random = np.random.default_rng(seed)
    for height in (0, h):
        for threads in (1, 3):
            stream, parts, y = network.stream(w, height, threads=threads), [], 0
            while y < h:
                k = int(random.integers(1, 12))
                parts.append(stream.push(x[0, y : y + k]))
                y += k
            assert np.array_equal(np.concatenate([*parts, stream.finish()]), whole[0]), (height, threads)


def test_rows_come_as_soon_as_they_are_known() -> None:
    network = _engine.Network(residual_chain(0), 3)
    stream = network.stream(32, block=8)
    lengths = [len(stream.push(picture(8, 32)[0])) for _ in range(10)]
    assert lengths[-1] == 16 and sum(lengths) > 16 * 6, lengths


@pytest.mark.parametrize("kind", [residual_chain, u_net])
def test_twice_the_height_adds_less_than_a_megabyte(kind) -> None:
    network = _engine.Network(kind(1), 3)
    small, large = (network.plan(h, 640, threads=2)["arena_bytes"] for h in (1000, 2000))
    assert large - small < 1 << 20
    assert network.plan(16000, 640, threads=2)["arena_bytes"] == large


def test_frontiers_compute_nothing_twice() -> None:
    """What is computed beyond the maps, to fill the last tiles, stays within 3 % of the work on an ordinary picture."""
    plan = _engine.Network(residual_chain(2), 3).plan(360, 640)
    extra = sum(node["extra_multiply_adds"] for node in plan["nodes"])
    assert 0 <= extra <= 0.03 * sum(node["multiply_adds"] for node in plan["nodes"])


def test_whole_maps_go_to_a_file_under_a_ceiling() -> None:
    network = _engine.Network(several_passes(0), 3)
    x = picture(300, 200)
    free = network.plan(300, 200, threads=1)
    assert free["passes"] > 1 and free["spilled_bytes"] == 0
    ceiling = free["arena_bytes"] // 4
    tight = network.plan(300, 200, threads=1, memory=ceiling)
    assert tight["spilled_bytes"] > 0 and tight["arena_bytes"] + tight["scratch_bytes"] <= ceiling
    assert np.array_equal(network.run(x, threads=1, memory=ceiling)[0], network.run(x, threads=2)[0])


def test_a_ceiling_that_is_too_low_names_the_least() -> None:
    network = _engine.Network(residual_chain(0), 3)
    with pytest.raises(ResourceError, match="ceiling") as refusal:
        network.run(picture(64, 64), memory=1000)
    assert "at least" in str(refusal.value.expected)


def test_streams_count_their_rows() -> None:
    network = _engine.Network(residual_chain(0), 3)
    stream = network.stream(16, height=4)
    with pytest.raises(UsageError, match="more rows"):
        stream.push(picture(5, 16)[0])
    stream.push(picture(3, 16)[0])
    with pytest.raises(UsageError, match="fewer rows"):
        stream.finish()
    with pytest.raises(UsageError, match="wrong width"):
        stream.push(picture(1, 15)[0])
    with pytest.raises(UsageError, match="no rows"):
        network.stream(16).finish()


def test_two_callers_at_once() -> None:
    """Networks may be shared between threads of Python."""
    import concurrent.futures

    network = _engine.Network(u_net(0), 3)
    pictures = [picture(40, 48, seed) for seed in range(6)]
    expected = [network.run(x, threads=1)[0] for x in pictures]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda x: network.run(x, threads=2)[0], pictures))
    assert all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True))


def test_a_forked_child_has_threads_of_its_own() -> None:
    import os

    network = _engine.Network(u_net(1), 3)
    x = picture(40, 48)
    expected, _ = network.run(x, threads=2)
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(network.run(x, threads=2)[0], expected) else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize(("kind", "seed"), GRAPHS, ids=IDS)
@pytest.mark.parametrize(("threads", "block"), [(1, 0), (3, 0), (2, 5), (4, 1)])
def test_plans_of_tall_pictures_are_those_of_lower_ones(kind, seed, threads: int, block: int) -> None:
    """Rows repeat, so the height costs a plan nothing: a hundred million rows in no time, with the same rings."""
    network = _engine.Network(kind(seed), 3)
    began = time.monotonic()
    rings = [
        [node["rows"] for node in network.plan(h, 64, threads=threads, block=block)["nodes"] if not node["whole"]]
        for h in (10_000, 10_000 << 13)
    ]
    assert time.monotonic() - began < 5
    assert all(low == high or low == 10_000 for low, high in zip(*rings, strict=True))  # 10,000: gathered as a whole


def test_plans_beyond_what_integers_hold_are_refused_at_once() -> None:
    network = _engine.Network(residual_chain(0), 3)
    with pytest.raises(
        GraphError, match="too large for a plan; seen: 4294967296 rows of 64 pixels; expected: at most 536870912"
    ):
        network.plan(2**32, 64)
    with pytest.raises(UsageError, match="too wide for a plan; seen: 4294967296 columns; expected: at most 16777216"):
        network.plan(64, 2**32)
    pyramid = _engine.Network([("r", "resize", [-1], {"mode": "bilinear", "size": (7, 9)}, {})], 3)
    with pytest.raises(UsageError, match="rows do not repeat.*seen: 10000000 rows; expected: at most 4194304"):
        pyramid.plan(10_000_000, 64)


@pytest.mark.parametrize("name", ["superres-x3", "superres-x3-swift", "denoise-colour"])
def test_the_ceiling_that_a_refusal_names_suffices(name: str) -> None:
    """In millions of bytes, as the command line reads 55M; and the least number of bytes, too."""
    network = pellucid.load(name)
    with pytest.raises(ResourceError, match=r"seen: 1 bytes; expected: at least \d+M") as refusal:
        network.plan(1080, 1920, memory=1)
    millions, least = re.search(r"at least (\d+)M [(](\d+) bytes[)]", str(refusal.value)).groups()
    assert int(least) <= int(millions) * 10**6 < int(least) + 10**6 and refusal.value.least_bytes == int(least)
    for memory in (int(least), int(millions) * 10**6):
        plan = network.plan(1080, 1920, memory=memory)
        assert plan["arena_bytes"] + plan["scratch_bytes"] <= memory
    with pytest.raises(ResourceError, match=r"seen: 2M [(]2000000 bytes[)]"):
        network.plan(1080, 1920, memory=2_000_000)
