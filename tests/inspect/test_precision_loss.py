"""bfloat16 against float32: the difference is what rounding weights to eight bits must give, and no more."""

import numpy as np

from pellucid.inspect import precisions
from tests.inspect.nets import chain, network, noise


def test_the_difference_is_small_and_adds_up():
    net = network(*chain(2))
    found = precisions(net, noise())
    assert 1e-5 < found.relative < 0.05
    assert found.largest == np.abs(found.difference).max()
    np.testing.assert_allclose(found.answer, net.run(noise()[None], "fp32")[0])
    assert np.isclose(found.psnr, -10 * np.log10(np.mean(found.difference.astype(np.float64) ** 2)))
