"""bfloat16 against float32: the difference is what rounding weights to eight bits must give, and no more."""

import numpy as np

from pellucid.inspect import precisions, prunings
from pellucid.inspect.precision_loss import pruned
from tests.inspect.nets import chain, network, noise


def test_the_difference_is_small_and_adds_up():
    net = network(*chain(2))
    found = precisions(net, noise())
    assert 1e-5 < found.relative < 0.05
    assert found.largest == np.abs(found.difference).max()
    np.testing.assert_allclose(found.answer, net.run(noise()[None], "fp32")[0])
    assert np.isclose(found.psnr, -10 * np.log10(np.mean(found.difference.astype(np.float64) ** 2)))


def test_pruning_takes_the_smallest_weights_of_each_layer():
    nodes, weights = chain(2)
    weights["conv1.bias"] = np.full(6, 1e-9)
    before, after = network(nodes, weights), pruned(network(nodes, weights), 0.25)
    for name, w in before.weights.items():
        kept = after.weights[name]
        gone = kept == 0
        assert gone.sum() == (0 if w.ndim == 1 else round(0.25 * w.size))
        assert np.array_equal(kept[~gone], w[~gone])
        assert not gone.any() or np.abs(w[gone]).max() <= np.abs(w[~gone]).min()


def test_weights_that_are_zero_already_can_be_taken_away_and_others_cost_more_and_more():
    nodes, weights = chain(2)
    for w in weights.values():
        flat = w.reshape(-1)
        flat[np.argsort(np.abs(flat))[: w.size // 2]] = 0
    free, some, most = prunings(network(nodes, weights), noise(), (0.5, 0.6, 0.9))
    assert free.largest == 0 and free.psnr == float("inf")
    assert some.largest == np.abs(some.difference).max() > 0
    assert most.psnr < some.psnr and most.share == 0.9
