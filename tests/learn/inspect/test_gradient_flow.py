"""Gradient flow: a chain whose factors are known, and the documents' five stacks."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from pellucid.inspect.gradient_views import flow_verdict  # noqa: E402
from pellucid.learn.inspect.gradient_flow import DEPTHS, gradient_flow, stack  # noqa: E402


def scaled_identities(factor, depth=6, width=5):
    layers = [nn.Linear(width, width, bias=False) for _ in range(depth)]
    for layer in layers:
        layer.weight.data = factor * torch.eye(width)
    return nn.Sequential(*layers)


@pytest.mark.parametrize(("factor", "word"), [(0.1, "vanish"), (1.0, "arrive"), (10.0, "explode")])
def test_planted_factors_are_measured_and_named(factor, word):
    network = scaled_identities(factor)
    x = torch.randn(7, 5)
    flow = gradient_flow(network, x, lambda y: y.sum())
    size = float(x.double().square().mean().sqrt())
    for i, layer in enumerate(flow):
        assert layer.layer == str(i)
        assert layer.activation == pytest.approx(size * factor ** (i + 1), rel=1e-5)
        assert layer.gradient == pytest.approx(factor ** (5 - i), rel=1e-5)
    assert word in flow_verdict(flow).sentence
    assert network[0].weight.grad is None


def test_what_keeps_gradients_level():
    x = torch.randn(32, 64, generator=torch.Generator().manual_seed(1))
    reach = {}
    for kind in DEPTHS:
        flow = gradient_flow(stack(kind), x)
        assert len(flow) == 20
        reach[kind] = flow[0].gradient / flow[-1].gradient
    assert reach["sigmoid"] < 1e-6 and reach["plain"] < 1e-2
    assert reach["sigmoid"] < reach["plain"] / 1e3
    for kind in ("scaled", "norm", "residual"):
        assert 0.03 < reach[kind] < 30000 and reach[kind] > 30 * reach["plain"]


def test_convolutions_and_norms_count_only_where_they_have_kernels():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True), nn.BatchNorm2d(2), nn.Conv2d(2, 1, 3))
    x = torch.rand(2, 1, 8, 8)
    flow = gradient_flow(network, x)
    assert [f.layer for f in flow] == ["0", "3"]
    plain = network[0](x).detach()  # before the rectifier that works in place
    assert flow[0].activation == pytest.approx(float(plain.square().mean().sqrt()), rel=1e-5)
