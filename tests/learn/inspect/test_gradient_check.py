"""The gradient check: right gradients pass, a planted wrong one is found and its place named."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from pellucid.learn.inspect.gradient_check import check_gradients  # noqa: E402
from pellucid.learn.inspect.small_inputs import small_case  # noqa: E402
from pellucid.learn.networks import DENOISERS, NETWORKS  # noqa: E402


class WrongAt(torch.autograd.Function):
    """The identity, whose gradient is wrong in one place."""

    @staticmethod
    def forward(ctx, weight):
        return weight.clone()

    @staticmethod
    def backward(ctx, gradient):
        gradient = gradient.clone()
        gradient[1, 0, 2, 0] *= 1.01
        return gradient


class Planted(nn.Module):
    def __init__(self, wrong):
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv2d(1, 2, 3)
        self.norm = nn.BatchNorm2d(2)
        self.drop = nn.Dropout(0.5)
        self.second = nn.Conv2d(2, 1, 3)
        self.wrong = wrong

    def forward(self, x):
        weight = WrongAt.apply(self.first.weight) if self.wrong else self.first.weight
        x = nn.functional.conv2d(x, weight, self.first.bias)
        return self.second(self.drop(torch.relu(self.norm(x))))


def test_right_gradients_agree_everywhere():
    found = check_gradients(Planted(False), torch.rand(2, 1, 9, 8))
    assert found.agrees and found.worst.error < 1e-5
    assert [t.name for t in found.tensors[:2]] == ["input", "first.weight"]
    assert all(t.checked == t.size for t in found.tensors)


def test_a_planted_error_is_found_and_its_place_named():
    found = check_gradients(Planted(True), torch.rand(2, 1, 9, 8))
    assert not found.agrees
    worst = found.worst
    assert (worst.name, worst.worst) == ("first.weight", (1, 0, 2, 0))
    assert worst.analytic == pytest.approx(1.01 * worst.numeric, rel=1e-6)


def test_large_networks_are_sampled():
    network = nn.Sequential(nn.Flatten(), nn.Linear(400, 300))
    found = check_gradients(network, torch.rand(1, 1, 20, 20), samples=20)
    assert found.agrees and [t.checked for t in found.tensors] == [20, 20, 20]


@pytest.mark.parametrize(
    "name", [*NETWORKS, *DENOISERS, "lenet5", "vgg-a-lrn", "resnet18", "segnet-basic", "random-wired"]
)
def test_every_registry_has_small_cases_that_run(name):
    network, x = small_case(name)
    assert len(x) == 2 and x.shape[2] <= 64
    assert name != "resnet18" or x.shape[2] == 64  # its last batch norms see 2 x 2 x 2 numbers
    with torch.no_grad():
        assert torch.isfinite(network(x)).all()


def test_a_step_across_the_corner_of_a_rectifier_is_no_error():
    network = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ReLU())
    network[0].weight.data.fill_(1e-6)
    assert check_gradients(network, torch.ones(1, 1)).worst.error < 1e-6
