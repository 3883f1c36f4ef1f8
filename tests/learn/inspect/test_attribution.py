"""Local attribution: of a linear network it is kernel times detail, and it adds up for every network."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from pellucid.errors import UsageError  # noqa: E402
from pellucid.learn.inspect.attribution import attribution, blurred, evenness  # noqa: E402


def picture(side=24, seed=0):
    return torch.rand(1, 1, side, side, generator=torch.Generator().manual_seed(seed))


def test_a_linear_networks_attribution_is_its_kernel_times_the_detail():
    torch.manual_seed(0)
    conv, x = nn.Conv2d(1, 1, 3, padding=1), picture()
    found = attribution(conv, x, (10, 7), steps=1)
    detail = (x - blurred(x, found.blur))[0, 0].numpy()
    wanted = np.zeros((24, 24))
    wanted[9:12, 6:9] = conv.weight[0, 0].detach().numpy() * detail[9:12, 6:9]
    assert np.allclose(found.weight, wanted, atol=1e-6)
    assert np.isclose(found.weight.sum(), found.answer - found.without, atol=1e-6)


def test_it_adds_up_through_rectifiers_and_finds_the_pixel_behind_an_enlarged_one():
    torch.manual_seed(1)
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 9, 1), nn.PixelShuffle(3))
    found = attribution(net, picture(), (31, 52), steps=1000)
    assert found.at == (10, 17)
    assert np.isclose(found.weight.sum(), found.answer - found.without, atol=1e-4)
    seen = np.argwhere(found.weight)
    assert seen.min(0).tolist() == [9, 16] and seen.max(0).tolist() == [11, 18]


def test_a_place_with_detail_is_chosen_and_answers_without_places_are_refused():
    x = torch.full((1, 1, 20, 20), 0.5)
    x[..., 12, 9] = 1
    assert attribution(nn.Identity(), x).place == (12, 9)
    with pytest.raises(UsageError, match="no picture as large as the input"):
        attribution(nn.Conv2d(1, 1, 3, 2), x)
    with pytest.raises(UsageError, match="no such place"):
        attribution(nn.Identity(), x, (20, 0))


def test_what_is_told_beside_the_picture_is_not_blurred():
    x = torch.cat([picture(), torch.linspace(0, 1, 24).expand(1, 1, 24, 24)], 1)
    found = attribution(nn.Conv2d(2, 1, 1, bias=False), x, (3, 5), steps=1, told=True)
    assert np.count_nonzero(found.weight) == 1


def test_evenness():
    one = np.zeros(1000)
    one[3] = 5
    assert evenness(np.ones(50)) == pytest.approx(1) and evenness(one) == pytest.approx(1e-3)
    assert evenness(np.arange(1001)) == pytest.approx(2 / 3, abs=2e-3)
