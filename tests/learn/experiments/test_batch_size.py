"""Gradient noise falls with the root of the batch, and a sharper minimum has a higher sharpness. [C11]"""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from pellucid.learn.experiments.batch_size import Settings, gradient_noise, sharpness  # noqa: E402
from pellucid.learn.experiments.digits import digits  # noqa: E402
from pellucid.learn.networks.perceptron import MLP  # noqa: E402
from tests.learn.experiments.small import strokes  # noqa: E402

SETTINGS = Settings(draws=60)


def test_four_times_the_batch_half_the_noise():
    torch.manual_seed(0)
    known, net = digits(strokes(), 160, 40), MLP((784, 8, 10))
    small, large = (gradient_noise(net, known, batch, SETTINGS) for batch in (8, 32))
    assert 1.7 < small / large < 2.35


def test_sharpness_knows_how_much_the_loss_grows():
    torch.manual_seed(0)
    known, net = digits(strokes(), 160, 40), MLP((784, 8, 10))
    for _ in range(150):
        loss = torch.nn.functional.cross_entropy(net(known.x), known.labels)
        net.zero_grad()
        loss.backward()
        with torch.no_grad():
            for p in net.parameters():
                p -= 0.1 * p.grad
    little, much = (sharpness(net, known, SETTINGS, share) for share in (0.05, 0.5))
    assert 0 < 3 * little < much
