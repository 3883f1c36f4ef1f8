"""Networks: loading by name and path, arrays checked at the door, pictures in and out, streams, sizes of a multiple."""

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import pellucid
from pellucid import models
from pellucid.card import Card
from pellucid.errors import GraphError, ModelFileError, UsageError
from pellucid.graph import INPUT, Graph, Node
from pellucid.modelfile import ModelFile, save
from pellucid.network import Network
from pellucid.picture import Picture, write
from tests.interpreter import interpret

RANDOM = np.random.default_rng(3)


def array(*shape: int) -> np.ndarray:
    return RANDOM.standard_normal(shape).astype(np.float32)


def enlarging(channels: int = 3, multiple: int = 1) -> ModelFile:
    """conv, relu, conv, pixel shuffle by 2; and with a multiple, a mean pool and back between them."""
    conv = {"padding": (1, 1, 1, 1), "stride": (1, 1), "dilation": (1, 1), "groups": 1}
    nodes = [Node("head", "conv", (INPUT,), conv), Node("act", "relu", ("head",))]
    if multiple > 1:
        pool = {"kernel": (multiple, multiple), "stride": (multiple, multiple), "padding": (0, 0)}
        nodes.append(Node("down", "mean_pool", ("act",), pool | {"ceil_mode": False, "count_include_pad": True}))
        nodes.append(Node("up", "resize", ("down",), {"mode": "nearest", "scale": (float(multiple),) * 2}))
        nodes.append(Node("sum", "add", ("up", "act")))
    nodes += [Node("tail", "conv", (nodes[-1].name,), conv), Node("out", "pixel_shuffle", ("tail",), {"factor": 2})]
    weights = {"head.weight": array(8, channels, 3, 3) / 5, "head.bias": array(8) / 9}
    weights |= {"tail.weight": array(4 * channels, 8, 3, 3) / 9, "tail.bias": array(4 * channels) / 9}
    return ModelFile(Graph(tuple(nodes), channels, multiple), weights, Card(task="superres", scale=2))


def close(a: np.ndarray, b: np.ndarray) -> None:
    assert a.shape == b.shape
    assert np.abs(a - b).max() <= 1e-5 * np.abs(b).max()


def test_run_equals_the_interpreter() -> None:
    file = enlarging()
    x = array(2, 13, 17, 3)
    close(Network(file).run(x), interpret(file.graph, file.weights, x))


def test_kept_maps_stand_beside_the_result() -> None:
    file = enlarging()
    x = array(1, 9, 12, 3)
    y, maps = Network(file).run(x, keep=("act", "head"))
    assert list(maps) == ["act", "head"]
    np.testing.assert_array_equal(maps["act"], np.maximum(maps["head"], 0))
    close(y, Network(file).run(x))
    with pytest.raises(UsageError, match="unknown layer 'hed'.*did you mean 'head'"):
        Network(file).run(x, keep=("hed",))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((1, 8, 8, 3)), "takes float32 arrays; seen: float64"),
        ([[1.0]], "takes float32 arrays; seen: list"),
        (np.zeros((8, 8, 3), np.float32), r"takes batches; seen: shape \(8, 8, 3\); expected: \(n, h, w, 3\)"),
        (np.zeros((1, 8, 8, 4), np.float32), "takes batches"),
        (np.zeros((1, 0, 8, 3), np.float32), "takes batches"),
        (np.full((1, 8, 8, 3), np.nan, np.float32), "NaN or infinity; seen: 192 of 192"),
        (np.full((1, 8, 8, 3), np.inf, np.float32), "NaN or infinity"),
    ],
)
def test_arrays_are_checked_at_the_door(x: np.ndarray, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Network(enlarging()).run(x)


def test_large_finite_input_is_no_infinity() -> None:
    x = np.full((1, 8, 8, 3), 1e38, np.float32)  # its sum overflows
    file = enlarging()
    file = ModelFile(file.graph, {name: array * 0 for name, array in file.weights.items()}, file.card)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not Network(file).run(x).any()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(9, 11, 3), (9, 11, 1), (9, 11)])
def test_pictures_leave_in_their_kind(dtype: type, shape: tuple[int, ...]) -> None:
    top = 1 if dtype == np.float32 else np.iinfo(dtype).max
    picture = (RANDOM.random(shape) * top).astype(dtype)
    network = Network(enlarging())
    result = network(picture)
    assert result.dtype == dtype and result.shape == (18, 22, *shape[2:])
    x = (picture / np.float32(top)).astype(np.float32).reshape(1, 9, 11, -1)
    y = network.run(np.repeat(x, 3 // x.shape[3], 3))[0].reshape(18, 22, x.shape[3], -1).mean(3).reshape(result.shape)
    y = y if dtype == np.float32 else np.clip(y, 0, 1) * top
    assert np.abs(result.astype(np.float64) - y).max() <= (1e-6 if dtype == np.float32 else 0.51)


def test_a_grey_network_takes_the_colours_one_by_one() -> None:
    network = Network(enlarging(channels=1))
    picture = RANDOM.random((6, 7, 3)).astype(np.float32)
    result = network(picture)
    for c in range(3):
        np.testing.assert_array_equal(result[:, :, c], network(picture[:, :, c]))


def test_files_and_pictures_keep_alpha_and_profile(tmp_path: Path) -> None:
    pixels = RANDOM.integers(0, 256, (8, 9, 3), np.uint8)
    alpha = np.full((8, 9, 1), 255, np.uint8)
    alpha[:, :4] = 0
    write(tmp_path / "a.png", Picture(pixels, alpha))
    network = Network(enlarging())
    result = network(tmp_path / "a.png")
    assert isinstance(result, Picture) and result.pixels.shape == (16, 18, 3)
    assert result.alpha is not None and result.alpha[0, 0] == 0 and result.alpha[0, -1] == 255
    other = pixels.copy()
    other[:, :4] = 77
    np.testing.assert_array_equal(network(Picture(other, alpha)).pixels, result.pixels)  # what nobody sees is no matter


def test_what_is_no_picture_is_refused() -> None:
    network = Network(enlarging())
    for wrong, message in (
        (np.zeros(5, np.uint8), "no picture has this shape"),
        (np.zeros((4, 4, 2), np.uint8), "channels"),
    ):
        with pytest.raises(UsageError, match=message):
            network(wrong)
    flat = ModelFile(Graph((Node("p", "slice_channels", (INPUT,), {"start": 0, "stop": 2}),), 3), {}, Card())
    with pytest.raises(UsageError, match="output is no picture"):
        Network(flat)(np.zeros((4, 4, 3), np.uint8))


@pytest.mark.parametrize("multiple", [1, 4])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("size", [(16, 12), (21, 15), (1, 1), (2, 9)])
def test_streams_give_the_numbers_of_the_whole(multiple: int, known: bool, size: tuple[int, int]) -> None:
    network = Network(enlarging(multiple=multiple))
    x = array(1, *size, 3)
    whole = network.run(x)[0]
    rows = list(network.stream(iter(x[0]), size[0] if known else None))
    np.testing.assert_array_equal(np.stack(rows), whole)
    blocks = [x[0, i : i + 5] for i in range(0, size[0], 5)]
    parts = list(network.stream_blocks(blocks, size[1], size[0] if known else None))
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_rows_come_before_the_stream_ends() -> None:
    given = []

    def rows() -> "object":
        for row in array(200, 16, 3):
            given.append(len(row))
            yield row

    next(Network(enlarging()).stream(rows()))  # type: ignore[arg-type]
    assert len(given) < 100


def test_streams_that_lie_are_refused() -> None:
    network = Network(enlarging())
    with pytest.raises(UsageError, match="no rows"):
        list(network.stream([]))
    with pytest.raises(UsageError, match="rows of a stream differ"):
        list(network.stream([array(5, 3), array(6, 3)]))
    with pytest.raises(UsageError, match="early or late; seen: 3 rows; expected: 4 rows"):
        list(network.stream(list(array(3, 5, 3)), height=4))


@pytest.mark.parametrize("size", [(8, 12), (9, 13), (1, 3), (11, 4)])
def test_sizes_are_reflected_up_to_the_multiple_and_cropped(size: tuple[int, int]) -> None:
    file = enlarging(multiple=4)
    x = array(1, *size, 3)
    h, w = size
    up = np.pad(x, ((0, 0), (0, -h % 4), (0, -w % 4), (0, 0)), mode="reflect")
    network = Network(file)
    close(network.run(x), interpret(file.graph, file.weights, up)[:, : 2 * h, : 2 * w])
    assert network.output_shape(h, w) == (2 * h, 2 * w, 3)


def test_a_network_of_one_size_refuses_others() -> None:
    nodes = (Node("flat", "flatten"), Node("dense", "linear", ("flat",)))
    graph = Graph(nodes, 1, size=(4, 5))
    network = Network(ModelFile(graph, {"dense.weight": array(7, 20)}, Card()))
    assert network.run(array(2, 4, 5, 1)).shape == (2, 1, 1, 7)
    with pytest.raises(UsageError, match="takes one size only; seen: 5 x 4; expected: 4 x 5"):
        network.run(array(1, 5, 4, 1))


def test_a_stream_without_a_height_has_that_of_a_network_of_one_size() -> None:
    nodes = (Node("flat", "flatten"), Node("dense", "linear", ("flat",)))
    network = Network(ModelFile(Graph(nodes, 1, size=(4, 5)), {"dense.weight": array(7, 20)}, Card()))
    x = array(1, 4, 5, 1)
    np.testing.assert_array_equal(np.stack(list(network.stream(iter(x[0])))), network.run(x)[0])
    with pytest.raises(UsageError, match="early or late; seen: 3 rows; expected: 4 rows"):
        list(network.stream(iter(x[0, :3])))


def test_the_sums_are_those_of_the_layers() -> None:
    network = Network(enlarging())
    cost = network.cost(10, 20)
    assert cost.multiply_adds == 10 * 20 * 9 * (3 * 8 + 8 * 12)
    assert cost.parameters == network.parameters == 9 * (3 * 8 + 8 * 12) + 8 + 12
    assert (cost.input_bytes, cost.output_bytes) == (4 * 10 * 20 * 3, 4 * 20 * 40 * 3)
    plan = network.plan(10, 20)
    assert plan["output"] == (20, 40, 3) and plan["arena_bytes"] > 0


def test_precision_auto_follows_the_card(monkeypatch: pytest.MonkeyPatch) -> None:
    from pellucid import _engine

    file = enlarging()
    network = Network(file)
    assert network.resolved_precision("bf16") == "bf16"
    monkeypatch.setattr(_engine, "isa", lambda: "amx")
    for loss, wanted in ((None, "fp32"), (0.03, "fp32"), (0.02, "bf16"), (0.0, "bf16")):
        network.card = Card(bf16_loss_db=loss)
        assert network.resolved_precision() == wanted
    with pytest.raises(UsageError, match="unknown precision 'fp16'"):
        network.run(array(1, 4, 4, 3), precision="fp16")


def test_names_are_the_files_that_ship(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "FOLDER", tmp_path)
    with pytest.raises(UsageError, match="unknown model 'superres-x3'"):
        pellucid.load("superres-x3")
    file = enlarging()
    save(tmp_path / "superres-x2.safetensors", file.graph, file.weights, file.card)
    assert models.names() == ["superres-x2"]
    network = pellucid.load("superres-x2")
    assert network.name == "superres-x2" and network.card.scale == 2
    assert pellucid.load(tmp_path / "superres-x2.safetensors").name == "superres-x2"
    with pytest.raises(UsageError, match="unknown model 'superres-x3'.*superres-x2"):
        pellucid.load("superres-x3")
    with pytest.raises(ModelFileError, match="cannot be read"):
        pellucid.load("there/is/none.safetensors")


def changed(file: ModelFile, kind: str) -> tuple[Graph, dict[str, np.ndarray]]:
    nodes, weights = list(file.graph.nodes), dict(file.weights)
    if kind == "unknown operation":
        nodes[1] = Node("act", "rellu", ("head",))
    elif kind == "unknown attribute":
        nodes[1] = Node("act", "relu", ("head",), {"slope": 0.1})
    elif kind == "missing":
        del weights["tail.weight"]
    elif kind == "superfluous":
        weights["act.weight"] = array(8)
    elif kind == "mis-shaped":
        weights["tail.weight"] = array(12, 7, 3, 3)
    elif kind == "other rank":
        weights["tail.weight"] = array(12, 8)
    return Graph(tuple(nodes), 3), weights


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("unknown operation", "layer 'act' is an unknown operation; seen: rellu; hint: did you mean 'relu'"),
        ("unknown attribute", "act.*slope"),
        ("missing", "tail.*weight"),
        ("superfluous", r"no layer uses some weights; seen: act\.weight"),
        ("mis-shaped", "tail"),
        ("other rank", "tail"),
    ],
)
def test_files_whose_weights_do_not_fit_are_refused(kind: str, names: str, tmp_path: Path) -> None:
    graph, weights = changed(enlarging(), kind)
    save(tmp_path / "m.safetensors", graph, weights)
    with pytest.raises(ModelFileError, match=names) as caught:
        pellucid.load(tmp_path / "m.safetensors")
    assert str(tmp_path / "m.safetensors") in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(GraphError):
        Network(ModelFile(graph, weights, Card()))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net, x: net.run(x, threads=1.5), "threads is no whole number; seen: 1.5; expected: .* 0 to 4096"),
        (lambda net, x: net.run(x, threads="2"), "threads is no whole number; seen: '2'"),
        (
            lambda net, x: net.run(x, threads=10**12),
            "threads does not fit; seen: 1000000000000; expected: .* 0 to 4096",
        ),
        (lambda net, x: net.run(x, threads=-1), "threads does not fit; seen: -1"),
        (lambda net, x: net.run(x, memory="300M"), "memory is no whole number; seen: '300M'; .*hint: .*300_000_000"),
        (lambda net, x: net.run(x, memory=-1), "memory does not fit; seen: -1"),
        (lambda net, x: net.run(x, memory=1.5e9), "memory is no whole number; seen: 1500000000.0"),
        (lambda net, x: net.run(x, memory=10**30), f"memory does not fit; seen: 1000.*expected: .* from 0 to {2**62}"),
        (lambda net, x: net.plan(5.5, 5), "height is no whole number; seen: 5.5"),
        (lambda net, x: net.plan(None, 5), "height is no whole number; seen: None"),
        (lambda net, x: net.plan(5, 0), "width does not fit; seen: 0; expected: a whole number of at least 1"),
        (lambda net, x: net.cost(5, "5"), "width is no whole number; seen: '5'"),
        (lambda net, x: list(net.stream(x[0], height=9.0)), "height is no whole number; seen: 9.0"),
        (lambda net, x: list(net.stream(None)), "made of rows; seen: NoneType"),
        (lambda net, x: list(net.stream([5])), "made of rows; seen: int; expected: arrays"),
        (lambda net, x: list(net.stream_blocks(None, 8)), "blocks of rows; seen: NoneType"),
        (lambda net, x: net.run(x, precision=None), "no such precision; seen: None; expected: one of auto, fp32, bf16"),
        (lambda net, x: net.run(x, keep=(0,)), r"keep takes the names of layers; seen: \(0,\)"),
        (lambda net, x: net.run(x, keep="head"), "keep takes the names of layers; seen: 'head'; expected: a list"),
        (lambda net, x: net(None), "no picture can be made of this; seen: NoneType; expected: an array"),
        (lambda net, x: net([[1]]), "no picture can be made of this; seen: list"),
        (lambda net, x: Network(None), "made of a model file; seen: NoneType; hint: pellucid.load"),
        (lambda net, x: pellucid.load(None), "no model has such a name; seen: NoneType; expected: .*path as text"),
        (lambda net, x: pellucid.load(b"x"), "no model has such a name; seen: bytes"),
        (lambda net, x: pellucid.load("x\0.safetensors"), "no model has such a name"),
    ],
)
def test_what_cannot_be_meant_is_one_line(call: Callable[..., object], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        call(Network(enlarging()), array(1, 8, 8, 3))
    assert "\n" not in str(caught.value)


def test_numbers_of_numpy_and_generators_of_names_are_taken() -> None:
    network, x = Network(enlarging()), array(1, 8, 8, 3)
    y, maps = network.run(x, threads=np.int64(1), memory=np.int32(0), keep=(name for name in ("act", "head")))
    assert list(maps) == ["act", "head"] and network.plan(np.uint16(8), 8)["output"] == (16, 16, 3)
    np.testing.assert_array_equal(y, network.run(x))


def test_a_denoiser_without_its_map_of_the_noise_level_names_the_way() -> None:
    conv = {"padding": (1, 1, 1, 1), "stride": (1, 1), "dilation": (1, 1), "groups": 1}
    graph = Graph((Node("only", "conv", (INPUT,), conv),), 4)
    network = Network(ModelFile(graph, {"only.weight": array(3, 4, 3, 3)}, Card(task="denoise")))
    for channels in (1, 3, 4):
        with pytest.raises(UsageError, match=r"map of the noise level.*\(n, h, w, 4\).*hint: pellucid denoise"):
            network(np.zeros((8, 8, channels), np.uint8))
