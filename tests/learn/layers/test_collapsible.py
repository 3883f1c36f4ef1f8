"""A collapsible convolution is one 3x3 kernel: in torch, on the engine, collapsed, and in its gradients."""

import copy

import torch
from torch import nn

from pellucid.learn import accelerate
from pellucid.learn.layers.collapsible import CollapsibleConv2d
from pellucid.learn.layers.convolution import CollapsibleConv2dOnEngine


def _layer(channels: int = 5) -> CollapsibleConv2d:
    torch.manual_seed(3)
    layer = CollapsibleConv2d(channels)
    with torch.no_grad():
        for weights in layer.parameters():
            weights.copy_(torch.randn_like(weights))
    return layer


def test_it_is_the_sum_of_its_branches() -> None:
    layer, x = _layer(), torch.randn(2, 5, 7, 6)
    three = nn.functional.conv2d(x, layer.weight, layer.bias, padding=1)
    one = nn.functional.conv2d(x, layer.point[:, :, None, None])
    assert torch.allclose(layer(x), three + one + layer.gain[:, None, None] * x, atol=1e-5)


def test_collapsed_it_is_an_ordinary_convolution() -> None:
    layer, x = _layer(), torch.randn(2, 5, 7, 6)
    plain = layer.collapsed()
    assert type(plain) is nn.Conv2d
    assert torch.equal(plain(x), layer(x))


def test_a_fresh_one_lets_the_signal_pass() -> None:
    layer, x = CollapsibleConv2d(16), torch.rand(1, 16, 9, 9)
    with torch.no_grad():
        layer.weight.zero_()
    assert torch.equal(layer(x), x)


def test_on_the_engine_it_gives_the_same_maps_and_gradients_alone_and_in_a_chain() -> None:
    chain = nn.Sequential(nn.Conv2d(3, 5, 3, padding=1), nn.ReLU(), _layer(), nn.ReLU(), _layer())
    for plain in (_layer(), chain):
        fast = copy.deepcopy(plain)
        assert not accelerate(fast).left
        assert any(isinstance(m, CollapsibleConv2dOnEngine) for m in fast.modules())
        x = torch.randn(2, 3 if plain is chain else 5, 9, 7, requires_grad=True)
        outputs = [network(x) for network in (plain, fast)]
        assert torch.allclose(*outputs, rtol=1e-4, atol=1e-4)
        torch.manual_seed(0)
        weight = torch.randn_like(outputs[0])
        gradients = [
            torch.autograd.grad((y * weight).sum(), [x, *network.parameters()])
            for y, network in zip(outputs, (plain, fast), strict=True)
        ]
        for a, b in zip(*gradients, strict=True):
            assert torch.allclose(a, b, rtol=1e-3, atol=1e-3 * float(a.abs().max()))
