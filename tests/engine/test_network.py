"""Maps that are kept, numbers that are not finite, precision, depth, and refusals at the door."""

import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from pellucid import _engine
from pellucid.errors import GraphError, NotFiniteError, UsageError
from pellucid.reference.activations import relu
from pellucid.reference.convolution import conv
from tests.engine.cases import node
from tests.engine.graphs import KINDS, Maker, residual_chain


def picture(h: int, w: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((1, h, w, 3), dtype=np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_kept_maps_are_those_of_the_graph_as_written(kind) -> None:
    """Each kept map equals the output of the graph cut off behind it; the result equals the fused one."""
    nodes = kind(0)
    network = _engine.Network(nodes, 3)
    x = picture(32, 40)
    keep = list(range(len(nodes)))
    y, maps = network.run(x, keep=keep, threads=2)
    fused, _ = network.run(x)
    assert np.abs(y - fused).max() <= 1e-5 * np.abs(fused).max()
    assert np.array_equal(maps[-1], y)
    for i in (0, len(nodes) // 2, len(nodes) - 2):
        part, _ = _engine.Network(nodes[: i + 1], 3).run(x)
        assert part.shape == maps[i].shape
        assert np.abs(part - maps[i]).max() <= 1e-5 * np.abs(part).max()


@pytest.mark.usefixtures("isa")
def test_twenty_layers_stay_within_1e_4_of_the_reference() -> None:
    m = Maker(5)
    x = -1
    pictured = picture(24, 36)
    expected = pictured.astype(np.float64)
    for i in range(20):
        x = m.conv(x, 3 if i == 19 else 16)
        w = m.nodes[x][4]
        expected = conv(expected, w["weight"], w["bias"], padding=1)
        if i < 19:
            x = m.add("relu", [x], 16)
            expected = relu(expected)
    y, _ = _engine.Network(m.nodes, 3).run(pictured)
    assert np.abs(y - expected).max() < 1e-4 * np.abs(expected).max()


def test_batches_are_pictures_one_by_one() -> None:
    network = _engine.Network(residual_chain(1), 3)
    pictures = [picture(20, 24, seed) for seed in range(3)]
    y, _ = network.run(np.concatenate(pictures))
    assert np.array_equal(y, np.concatenate([network.run(x)[0] for x in pictures]))


def test_results_that_live_keep_their_numbers() -> None:
    """A result may take the memory of one that is gone, and of no other."""
    network = _engine.Network(residual_chain(1), 3)
    first, _ = network.run(picture(20, 24))
    kept = first.copy()
    place = network.run(picture(20, 24, 1))[0].ctypes.data  # gone at once
    third, _ = network.run(picture(20, 24, 2))
    assert third.ctypes.data == place != first.ctypes.data
    assert np.array_equal(first, kept) and not np.array_equal(third, kept)


def test_bf16_rounds_what_convolutions_hand_to_convolutions() -> None:
    m = Maker(6)
    first = m.add("relu", [m.conv(-1, 16)], 16)
    m.conv(first, 3)
    x = picture(24, 24)
    exact, rounded = (_engine.Network(m.nodes, 3, precision).run(x)[0] for precision in ("fp32", "bf16"))
    error = np.abs(exact - rounded).max() / np.abs(exact).max()
    assert 1e-4 < error < 1e-2, error

    def bf16(t: torch.Tensor) -> torch.Tensor:
        return t.bfloat16().float()

    w = [m.nodes[0][4], m.nodes[2][4]]
    t = torch.from_numpy(x.transpose(0, 3, 1, 2).copy())
    t = F.conv2d(t, bf16(torch.from_numpy(w[0]["weight"])), torch.from_numpy(w[0]["bias"]), padding=1).relu()
    t = F.conv2d(bf16(t), bf16(torch.from_numpy(w[1]["weight"])), torch.from_numpy(w[1]["bias"]), padding=1)
    expected = t.numpy().transpose(0, 2, 3, 1)
    # A sum next to a rounding boundary may fall to either side.
    assert np.abs(rounded - expected).max() < 2e-3 * np.abs(expected).max()


def test_a_signal_ends_a_run() -> None:
    import signal
    import time

    network = _engine.Network(residual_chain(0), 3)
    x = np.zeros((1000, 64, 64, 3), np.float32)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite in the background ignores it
    threading.Timer(0.2, lambda: signal.raise_signal(signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        for _ in range(1000):
            network.run(x, threads=1)
            time.sleep(0)
    signal.signal(signal.SIGINT, before)


def test_others_go_on_while_it_computes() -> None:
    """Its thread is asked for Python's lock and never made to give it up: it lets others in while it computes."""
    network, x = _engine.Network(residual_chain(0), 3), picture(64, 64)
    stopped: list[bool] = []
    runs = 0

    def compute() -> None:
        nonlocal runs
        while not stopped and runs < 1000:
            network.run(x, threads=1)
            runs += 1

    worker, before = threading.Thread(target=compute), sys.getswitchinterval()
    sys.setswitchinterval(1000)
    try:
        worker.start()
        stopped.append(True)
        worker.join()
    finally:
        sys.setswitchinterval(before)
    assert runs < 1000


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(bad: float) -> None:
    nodes = residual_chain(0)
    nodes[0][4]["weight"][0, 0, 0, 0] = bad
    with pytest.raises(NotFiniteError, match=nodes[0][0]):
        _engine.Network(nodes, 3)


def test_the_node_that_makes_infinity_is_named() -> None:
    big = np.full((4, 3, 1, 1), 1e20, np.float32)
    nodes = [
        node("conv", -1, {"weight": big}),
        ("culprit", "multiply", [0, 0], {}, {}),
        ("later", "conv", [1], {"padding": 1}, {"weight": np.ones((2, 4, 3, 3), np.float32)}),
    ]
    network = _engine.Network(nodes, 3)
    with pytest.raises(NotFiniteError, match="culprit"):
        network.run(picture(8, 8) + 1)
    stream = network.stream(8)
    with pytest.raises(NotFiniteError, match="culprit"):
        stream.push(picture(16, 8)[0] + 1)
        stream.finish()
    x = picture(8, 8)
    x[0, 3, 3, 1] = np.nan
    with pytest.raises(NotFiniteError, match="picture"):
        network.run(x)


SMALL = {"weight": np.ones((3, 4, 2, 2), np.float32)}


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([node("convolve")], "unknown operation.*seen: convolve.*conv, conv_transpose"),
        ([node("conv")], "weight is missing"),
        ([node("conv", -1, {"weight": np.ones((4, 5, 3, 3), np.float32)})], "other channels.*seen: 3; expected: 5"),
        ([node("conv", -1, {"weight": np.ones((4, 3, 3), np.float32)})], "number of axes"),
        ([node("relu", slope=1)], "unknown attribute.*slope"),
        ([node("pixel_shuffle", factor=2)], "do not divide"),
        ([node("pixel_shuffle")], "factor is missing"),
        ([node("pixel_shuffle", factor=1.5)], "whole numbers"),
        ([node("resize", mode="cubic", scale=2)], "seen: 'cubic'; expected: nearest, bilinear, bicubic"),
        ([node("resize")], "either a scale or a size; seen: neither"),
        ([node("resize", scale=2, size=5)], "either a scale or a size; seen: both"),
        ([node("resize", scale=-2)], "scale does not fit; seen: -2; expected: .* above 0 and up to 4096"),
        ([node("resize", scale=(2, 0))], r"scale does not fit; seen: \(2, 0\)"),
        ([node("resize", scale=1e-30)], "scale does not fit; seen: 1e-30"),
        ([node("resize", size=(0, 5))], r"size does not fit; seen: \(0, 5\); expected: .* at least 1"),
        ([node("max_pool", kernel=2**30)], "seen: 1073741824; expected: whole numbers from 1 to 4096"),
        ([node("pixel_shuffle", factor=65536)], "factor does not fit; seen: 65536"),
        ([node("conv_transpose", -1, SMALL, stride=2**20)], "stride does not fit; seen: 1048576"),
        ([node("conv_transpose", -1, SMALL, stride=4096)], "spread the weights too far; seen: 201326592 numbers"),
        ([node("conv_transpose", -1, SMALL, dilation=4096)], "spread the weights too far"),
        ([node("conv", -1, {"weight": np.ones((0, 3, 3, 3), np.float32)})], "weight is empty"),
        ([node("conv", -1, {"weight": np.ones((1, 3, 1, 5000), np.float32)})], "kernel is too large; seen: 5000"),
        ([node("pixel_unshuffle", factor=4096)], "too many channels"),
        ([node("concat", [-1, -1]), *[node("concat", [i] * 2) for i in range(40)]], "too many channels"),
        ([node("add")], "wrong number of inputs"),
        ([node("relu", 3)], "does not come before"),
        ([], "no nodes"),
    ],
)
def test_graphs_that_cannot_run_are_refused_at_loading(nodes, message: str) -> None:
    with pytest.raises(GraphError, match=message):
        _engine.Network(nodes, 3)


HOSTILE = """
    import itertools, resource
    import numpy as np
    from pellucid import _engine
    from pellucid.errors import PellucidError

    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    weights = {
        "conv": {"weight": (4, 3, 2, 2)}, "conv_transpose": {"weight": (3, 4, 2, 2)}, "linear": {"weight": (4, 3)},
        "prelu": {"weight": (3,)}, "batch_norm": {"mean": (3,), "variance": (3,)},
    }
    numbers = [-(2**31), -1, 0, 1, 3, 4096, 65536, 2**20, 2**24, 2**30, 2**31, 2**63, 1e300, float("inf"), float("nan")]
    made = refused = 0
    for operation in _engine.operations():
        given = {role: np.ones(shape, np.float32) for role, shape in weights.get(operation["name"], {}).items()}
        names = [name for name, kind, _ in operation["attributes"] if kind != "text"]
        for chosen in [(name,) for name in names] + list(itertools.combinations(names, 2)):
            for value in numbers:
                needed = {n: 1 for n, kind, fallback in operation["attributes"] if fallback is None and kind != "text"}
                attributes = needed | dict.fromkeys(chosen, value)
                nodes = [("n", operation["name"], [-1] * operation["inputs"][0], attributes, given)]
                try:
                    network = _engine.Network(nodes, 3)
                    network.plan(4096, 4096)
                    network.plan(5, 7)
                    made += 1
                except PellucidError as error:
                    refused += 1
                    assert "\\n" not in str(error), error
    print(made, refused)
"""


def test_no_attribute_ends_the_process() -> None:
    """Every number of every operation, alone and in pairs, from wild to absurd: a plan, or one line."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(HOSTILE)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    made, refused = map(int, done.stdout.split())
    assert made > 100 and refused > 1000


def test_maps_too_large_to_be_flattened_are_refused() -> None:
    weight = {"weight": np.ones((2, 105), np.float32)}
    network = _engine.Network([node("flatten"), node("linear", 0, weight)], 3)
    with pytest.raises(GraphError, match="flattens too large a map; seen: 4096 x 4096 x 3"):
        network.plan(4096, 4096)
    with pytest.raises(GraphError, match="flattens too large"):
        network.output_shape(4096, 4096)


def test_pictures_that_do_not_fit_are_refused() -> None:
    network = _engine.Network([node("pixel_unshuffle", factor=2)], 3)
    with pytest.raises(GraphError, match="multiples of 2"):
        network.run(picture(5, 4))
    with pytest.raises(UsageError, match="wrong shape"):
        network.run(picture(4, 4)[..., :2].copy())
    with pytest.raises(UsageError, match="keep|kept"):
        network.run(picture(4, 4), keep=[5])
    with pytest.raises(UsageError, match="precision"):
        _engine.Network([node("relu")], 3, "fp8")
    with pytest.raises(UsageError, match="instruction set"):
        _engine.set_isa("sse9")
