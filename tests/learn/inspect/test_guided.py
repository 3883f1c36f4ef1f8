"""Ways back to the pixels against their definitions, on a network small enough to do by hand."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from pellucid.errors import UsageError  # noqa: E402
from pellucid.learn.inspect.as_module import as_module  # noqa: E402
from pellucid.learn.inspect.guided import WAYS, guided_gradients  # noqa: E402
from tests.inspect.nets import chain, network, noise  # noqa: E402


def small():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(inplace=True), nn.Conv2d(4, 2, 3))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", [None, (2, 3)])
def test_each_way_passes_what_it_says(way, place):
    net, x = small(), torch.randn(1, 1, 9, 9, generator=torch.Generator().manual_seed(1))
    found = guided_gradients(net, x, "2", 1, place and [place], way)
    hidden = net[0](x).detach()
    y = net[2](hidden.relu())[0, 1]
    row, column = place or divmod(int(y.argmax()), y.shape[1])
    back = torch.zeros_like(hidden)
    back[0, :, row : row + 3, column : column + 3] = net[2].weight[1].detach()
    if way != "gradient":
        back = back.clamp(min=0)
    if way != "deconvolution":
        back = back * (hidden > 0)
    expected = nn.functional.conv_transpose2d(back, net[0].weight.detach())
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-6)
    assert net[1].inplace  # the network itself is as it was


def test_a_models_file_has_them_too():
    net = as_module(network(*chain(depth=2)))
    x = torch.from_numpy(noise(9, 9).transpose(2, 0, 1)[None].copy())
    plain, guided = (guided_gradients(net, x, "conv1", 2, [(4, 4)], way) for way in ("gradient", "guided"))
    x.requires_grad_()
    (wanted,) = torch.autograd.grad(net.maps(x, ["conv1"])[0][0, 2, 4, 4], x)
    np.testing.assert_allclose(plain, wanted.numpy(), atol=1e-7)
    assert np.abs(plain - guided).max() > 1e-4


def test_what_there_is_not_is_refused():
    x = torch.zeros(1, 1, 9, 9)
    with pytest.raises(UsageError, match="no such unit"):
        guided_gradients(small(), x, "2", 2)
    with pytest.raises(UsageError, match="unknown layer"):
        guided_gradients(small(), x, "two", 0)
    with pytest.raises(UsageError, match="unknown way back 'giuded'.*did you mean 'guided'"):
        guided_gradients(small(), x, "2", 0, way="giuded")
