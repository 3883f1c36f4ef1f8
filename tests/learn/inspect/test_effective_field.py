"""Effective fields of chains whose bell is known."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from pellucid.errors import UsageError  # noqa: E402
from pellucid.learn.inspect.effective_field import effective_field  # noqa: E402


def boxes(depth, dilation=(1,)):
    layers = []
    for i in range(depth):
        d = dilation[i % len(dilation)]
        layers.append(nn.Conv2d(1, 1, 3, padding=d, dilation=d, bias=False))
        layers[-1].weight.data.fill_(1 / 9)
    return nn.Sequential(*layers)


def test_a_chain_of_box_filters_has_the_bell_of_its_sum():
    found = effective_field(boxes(5), 1, 21)
    one = np.ones(1)
    for _ in range(5):
        one = np.convolve(one, np.ones(3) / 3)
    expected = np.zeros((21, 21))
    expected[5:16, 5:16] = np.outer(one, one)
    np.testing.assert_allclose(found.weight, expected, atol=1e-7)
    assert found.deviation == pytest.approx((np.sqrt(5 * 2 / 3),) * 2, rel=1e-5)
    assert found.box == (5, 15, 5, 15)


def test_dilations_one_two_four_reach_fifteen():
    assert effective_field(boxes(3, (1, 2, 4)), 1, 31).box == (8, 22, 8, 22)


def test_an_answer_without_places_is_refused():
    with pytest.raises(UsageError, match="no places"):
        effective_field(nn.Flatten(), 1, 8)


def test_what_is_told_beside_the_picture_is_the_same_everywhere():
    seen = []

    class Watching(nn.Module):
        def forward(self, x):
            seen.append(x[:, -1])
            return x[:, :1] * x[:, 1:]

    effective_field(Watching(), 2, 8, told=0.25)
    assert (seen[0] == 0.25).all()
