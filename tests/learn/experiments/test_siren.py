"""SIREN's start is the textbook's, and every layer's sums have variance 1 under it. [A12]"""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from pellucid.learn.experiments.siren import FREQUENCY, KINDS, Settings, build, drawn_picture  # noqa: E402
from tests.learn.experiments.small import small  # noqa: E402


def test_sums_have_the_variance_that_the_start_is_made_for():
    torch.manual_seed(0)
    net = build(KINDS[0], Settings(width=256, hidden=4))
    x = torch.rand(2000, 2) * 2 - 1
    spread = []
    for layer in net:
        x = layer(x)
        if isinstance(layer, torch.nn.Linear):
            spread.append((FREQUENCY * x).std().item())
    assert all(0.75 < s < 1.8 for s in spread[1:-1])  # biases, as in the paper, are torch's
    assert abs(net[0].weight).max() <= 1 / 2


def test_the_picture_is_grey_and_not_flat():
    picture = drawn_picture(32)
    assert picture.shape == (32, 32) and 0 <= picture.min() < 0.15 and 0.9 < picture.max() <= 1


def test_places_between_are_measured_apart():
    for psnr in small("siren").figures["PSNR in dB"].values():
        assert psnr["learned"] != psnr["between"]
