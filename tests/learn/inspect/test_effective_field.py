"""Effective fields of chains whose bell is known, and guided gradients against their definition."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from pellucid.errors import UsageError  # noqa: E402
from pellucid.learn.inspect.effective_field import effective_field, guided_gradients  # noqa: E402


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


def test_guided_gradients_pass_only_what_excites():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(inplace=True), nn.Conv2d(4, 2, 3))
    x = torch.randn(1, 1, 9, 9)
    found = guided_gradients(network, x, "2", 1)
    hidden = network[0](x).detach()
    y = network[2](hidden.relu())[0, 1]
    place = divmod(int(y.argmax()), y.shape[1])
    back = torch.zeros_like(hidden)
    back[0, :, place[0] : place[0] + 3, place[1] : place[1] + 3] = network[2].weight[1].detach()
    back = back.clamp(min=0) * (hidden > 0)
    expected = nn.functional.conv_transpose2d(back, network[0].weight.detach())
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-6)
    assert network[1].inplace  # the network itself is as it was
    with pytest.raises(UsageError, match="no such unit"):
        guided_gradients(network, x, "2", 2)
    with pytest.raises(UsageError, match="unknown layer"):
        guided_gradients(network, x, "two", 0)
