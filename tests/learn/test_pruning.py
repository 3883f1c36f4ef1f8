"""What is pruned is the smallest, what is removed is gone everywhere, and unread channels are not missed. [A17]"""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from pellucid.errors import TrainingError, UsageError  # noqa: E402
from pellucid.learn.networks.course_mnist import CourseMNIST  # noqa: E402
from pellucid.learn.networks.perceptron import MLP  # noqa: E402
from pellucid.learn.networks.resnet import ResNet  # noqa: E402
from pellucid.learn.pruning import (  # noqa: E402
    apply_masks,
    drop_unread,
    prune_channels,
    share_left,
    smallest,
    weights_of,
)
from pellucid.learn.to_runtime import export  # noqa: E402

DIGIT = torch.zeros(1, 1, 28, 28)


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def test_masks_take_the_smallest_of_each_layer_and_of_what_is_left():
    net = MLP((4, 5, 3))
    masks = smallest(net, 0.5)
    for name, weight in weights_of(net).items():
        gone, kept = weight.abs()[masks[name] == 0], weight.abs()[masks[name] == 1]
        assert len(gone) == weight.numel() // 2 and gone.max() < kept.min()
    again = smallest(net, 0.5, masks)
    assert share_left(again) == pytest.approx((5 + 4) / 35) and all((again[n] <= masks[n]).all() for n in masks)
    apply_masks(net, again)
    assert sum((w != 0).sum() for w in weights_of(net).values()) == 9


@pytest.mark.parametrize(
    ("network", "example"),
    [
        (CourseMNIST(width=8), DIGIT),
        (MLP((784, 30, 20, 10)), DIGIT),
        (ResNet(18, classes=7), torch.zeros(1, 3, 64, 64)),
        (ResNet(50, classes=7), torch.zeros(1, 3, 64, 64)),
    ],
    ids=["course", "mlp", "resnet18", "resnet50"],
)
def test_half_the_channels_are_gone_and_what_stays_computes_the_same(network, example):
    """Where the removed channels' weights are 0 to begin with, the output does not change."""
    network.eval()
    first = next(name for name, layer in network.named_modules() if isinstance(layer, (nn.Conv2d, nn.Linear)))
    smaller = prune_channels(network, example, 0.5)
    assert parameters(smaller) < 0.5 * parameters(network)
    before, after = network.get_submodule(first), smaller.get_submodule(first)
    assert after.weight.shape[0] == before.weight.shape[0] // 2
    assert len(after.bias if after.bias is not None else after.weight) == after.weight.shape[0]
    x = torch.rand(2, *example.shape[1:])
    assert smaller(x).shape == network(x).shape
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), network.eval().parameters(), strict=True))


def test_channels_of_no_size_are_removed_first_and_not_missed():
    net = nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(),
        nn.Conv2d(6, 4, 3), nn.PReLU(4), nn.Flatten(), nn.Linear(64, 2),
    ).eval()  # fmt: skip
    with torch.no_grad():
        for layer, gone in ((net[0], [0, 4, 5]), (net[3], [1, 2])):
            layer.weight[gone] = 0
            layer.bias[gone] = 0
        net[4].weight.copy_(torch.tensor([0.1, 0.2, 0.3, 0.4]))
    x = torch.randn(5, 3, 8, 8)
    smaller = prune_channels(net, x[:1], 0.5)
    assert [tuple(w.shape) for w in weights_of(smaller).values()] == [(3, 3, 3, 3), (2, 3, 3, 3), (2, 32)]
    assert torch.allclose(smaller(x), net(x), atol=1e-5)
    assert torch.equal(smaller[4].weight, torch.tensor([0.1, 0.4]))


def test_channels_that_are_added_go_together():
    network = ResNet(18, classes=5).eval()
    smaller = prune_channels(network, torch.zeros(1, 3, 64, 64), 0.25)
    assert smaller.conv1.out_channels == smaller.layer1[0].conv2.out_channels == smaller.layer1[1].conv2.out_channels
    assert smaller.conv1.out_channels == 48 and smaller.fc.in_features == 384 and smaller.fc.out_features == 5


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 2, 1)

    def forward(self, x):
        y = self.first(x)
        return self.last(y + self.second(torch.relu(y)))


def test_channels_that_meet_in_a_sum_are_chosen_by_their_size_together():
    network = Residual()
    with torch.no_grad():
        network.first.weight.copy_(torch.tensor([1.0, 2, 3, 4]).reshape(4, 1, 1, 1).expand(4, 4, 1, 1))
        network.second.weight.copy_(torch.tensor([40.0, 10, 20, 30]).reshape(4, 1, 1, 1).expand(4, 4, 1, 1))
    smaller = prune_channels(network, torch.zeros(1, 4, 5, 5), 0.5)
    assert smaller.first.weight[:, 0, 0, 0].tolist() == [1, 4] and smaller.second.weight.shape == (2, 2, 1, 1)
    assert smaller.second.weight[:, 0, 0, 0].tolist() == [40, 30]
    assert torch.equal(smaller.last.weight, network.last.weight[:, [0, 3]])


class Joined(nn.Module):
    """Two ways that meet in a concatenation."""

    def __init__(self):
        super().__init__()
        self.left, self.right, self.last = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 6, 3), nn.Conv2d(10, 2, 1)

    def forward(self, x):
        return self.last(torch.cat([self.left(x), torch.relu(self.right(x))], dim=1))


def test_concatenations_keep_their_order():
    network, x = Joined().eval(), torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        for layer in (network.left, network.right):
            layer.weight[::2] = 0
            layer.bias[::2] = 0
    smaller = prune_channels(network, x, 0.5)
    assert torch.equal(smaller.last.weight, network.last.weight[:, [1, 3, 5, 7, 9]])
    assert torch.allclose(smaller(x), network(x), atol=1e-6)


def test_unread_channels_leave_without_a_trace():
    torch.manual_seed(0)
    net = MLP((784, 50, 40, 10))
    apply_masks(net, smallest(net, 0.97))
    smaller = drop_unread(net, DIGIT)
    x = torch.rand(6, 1, 28, 28)
    assert parameters(smaller) < parameters(net)
    assert torch.allclose(smaller(x), net(x), atol=1e-6)


def test_the_exported_file_shrinks(tmp_path):
    net = CourseMNIST(width=16).eval()
    smaller = prune_channels(net, DIGIT, 0.5)
    export(net, tmp_path / "whole", DIGIT)
    export(smaller, tmp_path / "half", DIGIT)
    whole, half = ((tmp_path / name).stat().st_size for name in ("whole", "half"))
    assert half < 0.3 * whole


def test_what_cannot_be_done_is_said():
    class Choosy(nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    with pytest.raises(TrainingError, match="cannot be followed"):
        prune_channels(Choosy(), DIGIT, 0.5)
    with pytest.raises(UsageError, match="seen: 1"):
        prune_channels(MLP((784, 10)), DIGIT, 1)
