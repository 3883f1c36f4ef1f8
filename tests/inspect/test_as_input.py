"""Pictures of every kind as what a network reads."""

import numpy as np
import pytest

from pellucid.errors import UsageError
from pellucid.graph import Node
from pellucid.inspect.as_input import SIGMA, as_input
from tests.inspect.nets import network


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 1), (5, 6, 3)])
def test_channels_are_made_to_fit(channels, shape):
    net = network([Node("a", "relu")], {}, channels)
    x = as_input(net, np.full(shape, 51, np.uint8))
    assert x.shape == (1, 5, 6, channels) and x.dtype == np.float32
    colours = channels - (channels in (2, 4))
    np.testing.assert_allclose(x[..., :colours], 0.2, rtol=1e-6)
    np.testing.assert_allclose(x[..., colours:], SIGMA)


def test_a_net_of_one_size_gets_the_picture_at_that_size():
    net = network([Node("a", "relu")], {}, 1, size=(8, 12))
    assert as_input(net, np.ones((20, 30), np.float32)).shape == (1, 8, 12, 1)
    with pytest.raises(UsageError, match="reads no picture"):
        as_input(network([Node("a", "relu")], {}, 7), np.ones((20, 30), np.float32))
