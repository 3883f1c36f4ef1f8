"""Plans by layers: for networks with many weights on small maps, whose blocks would read all weights again."""

import numpy as np
import pytest

from pellucid import _engine
from pellucid.cli.plan import summary
from tests.engine.cases import Node
from tests.engine.graphs import Maker, residual_chain


def deep_and_narrow() -> list[Node]:
    """A stride, deep layers with a join, and a few values of them all: 12 MB of weights for a few hundred pixels."""
    m, c = Maker(1), 400
    x = m.add("relu", [m.conv(m.conv(-1, 16), c, stride=4)], c)
    x = m.add("add", [m.conv(m.add("relu", [m.conv(x, c)], c), c), x], c)
    m.conv(m.add("global_mean_pool", [x], c), 10, 1)
    return m.nodes


def picture(h: int, w: int) -> np.ndarray:
    return np.random.default_rng(2).random((1, h, w, 3), dtype=np.float32)


def test_it_is_chosen_where_weights_outweigh_maps() -> None:
    network = _engine.Network(deep_and_narrow(), 3)
    small = network.plan(64, 96)
    assert small["by_layers"] and small["strips"] == 1 and small["block"] == 64
    assert "one layer after the other" in summary(small, "float32")[1]
    assert not network.plan(8, 96)["by_layers"]  # one block
    assert not network.plan(4000, 6000)["by_layers"]  # its maps are large
    assert not network.plan(64, 96, block=8)["by_layers"] and not network.plan(64, 96, strip=32)["by_layers"]
    assert not _engine.Network(residual_chain(0), 3).plan(64, 96)["by_layers"]  # its weights stay in a near cache


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_threads_share_rows_and_channels_and_nothing_changes(precision: str) -> None:
    network = _engine.Network(deep_and_narrow(), 3, precision)
    for h, w in [(39, 51), (16, 7)]:
        x = picture(h, w)
        blocks, _ = network.run(x, threads=1, block=8, strip=16)
        for threads in (1, 2, 3, 4):
            layers, _ = network.run(x, threads=threads, block=_engine.BY_LAYERS)
            assert np.array_equal(layers, blocks), (h, w, threads)


def test_a_ceiling_below_its_maps_goes_back_to_blocks() -> None:
    network = _engine.Network(deep_and_narrow(), 3)
    layers = network.plan(200, 300, threads=2)
    memory = layers["arena_bytes"] + layers["scratch_bytes"]
    assert layers["by_layers"] and network.plan(200, 300, threads=2, memory=memory)["by_layers"]
    blocks = network.plan(200, 300, threads=2, memory=memory - 1)
    assert not blocks["by_layers"] and blocks["arena_bytes"] + blocks["scratch_bytes"] < memory


def test_a_stream_goes_by_blocks_whatever_is_asked() -> None:
    network = _engine.Network(residual_chain(1), 3)
    x = picture(40, 24)
    stream = network.stream(24, block=_engine.BY_LAYERS)
    parts = [stream.push(x[0, :30])]
    assert len(parts[0])
    parts += [stream.push(x[0, 30:]), stream.finish()]
    assert np.array_equal(np.concatenate(parts), network.run(x)[0][0])
