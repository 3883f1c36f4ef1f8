"""Matrix tiles through the whole engine, emulated: bfloat16 maps between convolutions, at any step and in any order."""

from collections.abc import Iterator

import numpy as np
import pytest

from pellucid import _engine
from pellucid.errors import NotFiniteError
from tests.engine.cases import Node
from tests.engine.graphs import KINDS, Maker
from tests.engine.steps import same_bits_at


@pytest.fixture
def tiles() -> Iterator[None]:
    before = _engine.isa()
    _engine.set_isa("amx-emulated")
    yield
    _engine.set_isa(before)


def chain() -> list[Node]:
    """Every way from map to map: float32 to bfloat16, planes and none, strides, an addition between, a shuffle."""
    m = Maker(0)
    x = m.add("relu", [m.conv(-1, 16)], 16)
    x = m.add("relu", [m.conv(x, 48)], 48)
    x = kept = m.add("relu", [m.conv(x, 64, stride=2)], 64)
    x = m.add("relu", [m.conv(x, 64)], 64)
    x = m.add("add", [m.conv(x, 64), kept], 64)
    x = m.conv(m.conv(x, 32), 32, 1)
    m.add("pixel_shuffle", [m.conv(x, 27)], 3, factor=3)
    return m.nodes


def picture(h: int, w: int) -> np.ndarray:
    return np.random.default_rng(0).random((1, h, w, 3), dtype=np.float32)


@pytest.mark.usefixtures("tiles")
def test_maps_between_tiles_take_half_the_memory() -> None:
    nodes = {node["name"]: node for node in _engine.Network(chain(), 3, "bf16").plan(200, 300)["nodes"]}
    for name, half in {"conv0": True, "conv2": True, "conv4": False, "conv11": True, "conv12": False}.items():
        node = nodes[name]
        assert node["kernel"].startswith("tiles")
        float_bytes = node["rows"] * node["shape"][1] * -(-node["shape"][2] // 16) * 16 * 4
        assert (node["bytes"] < float_bytes) == half, name


def test_the_same_numbers_as_without_tiles() -> None:
    x = picture(23, 70)
    before = _engine.isa()
    _engine.set_isa("scalar")
    expected, _ = _engine.Network(chain(), 3, "bf16").run(x)
    _engine.set_isa("amx-emulated")
    seen, _ = _engine.Network(chain(), 3, "bf16").run(x)
    _engine.set_isa(before)
    # Tiles take the sum of two wide maps rounded, too; a wrong tap or channel costs a hundred times as much.
    assert np.abs(seen - expected).max() < 1e-2 * np.abs(expected).max()
    assert np.abs(seen - expected).mean() < 2e-3 * np.abs(expected).max()


@pytest.mark.usefixtures("tiles")
def test_tiles_do_not_round_the_picture() -> None:
    """A kernel that hands the picture on returns it within float32's error, not within bfloat16's."""
    weight = np.zeros((3, 3, 3, 3), np.float32)
    weight[range(3), range(3), 1, 1] = 1
    x = picture(20, 40)
    y, _ = _engine.Network([("same", "conv", [-1], {"padding": 1}, {"weight": weight})], 3, "bf16").run(x)
    assert np.abs(y - x).max() < 2.0**-15


@pytest.mark.usefixtures("tiles")
@pytest.mark.parametrize("nodes", [chain(), *(kind(1) for kind in KINDS)], ids=["chain", *(k.__name__ for k in KINDS)])
def test_same_bits_at_any_step_and_in_any_order(nodes: list[Node]) -> None:
    network = _engine.Network(nodes, 3, "bf16")
    h, w = 20, 84
    x = picture(h, w)
    whole = same_bits_at(network, x, [(1, 8, 4), (2, 36, 8), (3, 12, 5), (3, 0, _engine.BY_LAYERS)])
    stream = network.stream(w, 0, threads=2, block=4)
    rows = [stream.push(x[0, y : y + 3]) for y in range(0, h, 3)]
    assert np.array_equal(np.concatenate([*rows, stream.finish()]), whole[0])
    y, kept = network.run(x, keep=list(range(len(nodes))))
    assert np.array_equal(y, whole) and all(np.isfinite(map_).all() for map_ in kept)


@pytest.mark.usefixtures("tiles")
@pytest.mark.parametrize(
    ("halved", "width", "strip"),
    [(True, 656, 192), (False, 528, 160), (False, 656, 160)],
    ids=["maps of half the width", "four even strips would end amid blocks", "strips that are blocks already"],
)
def test_strips_are_such_that_few_columns_are_computed_in_vain(halved: bool, width: int, strip: int) -> None:
    """Blocks have 32 columns; without tiles strips stay as the cache and the threads want them."""
    m = Maker(0)
    x = m.add("pixel_unshuffle", [-1], 12, factor=2) if halved else -1
    for _ in range(8):
        x = m.add("relu", [m.conv(x, 64)], 64)
    m.conv(x, 3)
    assert _engine.Network(m.nodes, 3, "bf16").plan(360, width, threads=2)["strip"] == strip
    _engine.set_isa("scalar")
    assert _engine.Network(m.nodes, 3, "bf16").plan(360, width, threads=2)["strip"] == {656: 160, 528: 132}[width]


@pytest.mark.usefixtures("tiles")
def test_the_layer_that_overflows_is_named() -> None:
    nodes = chain()
    nodes[2][4]["weight"][:] = 1e38
    with pytest.raises(NotFiniteError, match=nodes[2][0]):
        _engine.Network(nodes, 3, "bf16").run(picture(9, 40))


def test_the_emulation_is_listed_nowhere() -> None:
    assert "amx-emulated" not in _engine.isas()
    assert bool(_engine.hardware()["no_tiles"]) == ("amx" not in _engine.isas())
