"""Feature visualisation: a unit whose best picture is known gets it, and the same seed the same picture."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from pellucid.errors import UsageError  # noqa: E402
from pellucid.graph import Node  # noqa: E402
from pellucid.learn.inspect.as_module import as_module  # noqa: E402
from pellucid.learn.inspect.visualisation import strongest_units, visualise  # noqa: E402
from tests.inspect.nets import chain, network  # noqa: E402


def test_a_wave_filters_pattern_is_its_wave():
    y, x = np.mgrid[-4:5, -4:5]
    wave = np.cos(2 * np.pi * x / 4) * np.exp(-(x**2 + y**2) / 12)  # four pixels long, running across
    nodes = [Node("a", "conv", attributes={"padding": 4}), Node("b", "relu", ("a",))]
    net = as_module(network(nodes, {"a.weight": (wave - wave.mean())[None, None]}))
    (start,), (found,) = (visualise(net, "b", [0], (32, 32), steps=steps) for steps in (0, 60))
    before, after = (np.abs(np.fft.rfft2(pattern.picture[..., 0])) for pattern in (start, found))
    grown = after - before
    fy, fx = np.unravel_index(grown[:, 4:].argmax(), grown[:, 4:].shape)  # brightness and slow waves come along
    assert min(fy, 32 - fy) <= 1 and abs(int(fx) + 4 - 8) <= 1  # 32 / 4 = 8 waves across
    assert after[0, 8] > 4 * before[0, 8]
    assert found.after > 2 * found.before


def test_seeds_are_kept_and_units_do_not_mix():
    net = as_module(network(*chain(channels=3), 3))
    both = visualise(net, "relu1", [2, 0], (16, 16), steps=6)
    again = visualise(net, "relu1", [2, 0], (16, 16), steps=6)
    (alone,) = visualise(net, "relu1", [0], (16, 16), steps=6)
    assert np.array_equal(both[0].picture, again[0].picture) and both[1].unit == 0
    assert np.allclose(both[1].picture, alone.picture, atol=1e-4)
    assert not np.array_equal(visualise(net, "relu1", [0], (16, 16), steps=6, seed=1)[0].picture, alone.picture)


def test_what_there_is_not_is_refused_and_strong_units_come_first():
    with pytest.raises(UsageError, match="no such unit.*0 to 5"):
        visualise(as_module(network(*chain())), "relu1", [6], (16, 16), steps=1)
    maps = np.random.default_rng(0).normal(size=(9, 9, 3)) * [1, 5, 3]
    assert strongest_units(maps, 2) == [1, 2] and strongest_units(np.array([[[1.0, 3.0, 2.0]]]), 2) == [1, 2]
