"""The modules: torch's own in everything but where they compute."""

import copy

import pytest
import torch
from torch import nn

from pellucid.errors import TrainingError
from pellucid.learn.layers.convolution import Conv2d, ConvolutionChain, why_not
from pellucid.learn.layers.convolutions import runs_of


def test_runs() -> None:
    kinds = ["activation", "conv", "activation", "conv", "conv", "activation", "activation", "other", "conv", "other"]
    assert list(runs_of(kinds)) == [(1, 6), (8, 9)]
    assert list(runs_of([])) == list(runs_of(["activation", "other"])) == []


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (Conv2d(3, 4, 3, padding="same"), None),
        (Conv2d(3, 4, (3, 1), padding="valid", stride=2), None),
        (Conv2d(3, 4, 2, padding="same"), "it pads opposite edges differently"),
        (Conv2d(3, 4, 3, padding=1, padding_mode="replicate"), None),
        (Conv2d(3, 4, (4, 5), padding="same", padding_mode="circular"), None),
        (Conv2d(3, 4, 5, stride=2, padding=3, padding_mode="reflect"), None),
        (Conv2d(3, 4, 1, padding=1), "it pads more than its kernel reaches"),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_a_layer_equals_torch(layer: Conv2d, reason: str | None) -> None:
    assert why_not(layer) == reason
    x = torch.randn(2, 3, 6, 7)
    torch.testing.assert_close(layer(x), nn.Conv2d.forward(layer, x), rtol=0, atol=1e-5)
    torch.testing.assert_close(layer(x[0]), nn.Conv2d.forward(layer, x[0]), rtol=0, atol=1e-5)


def chain() -> ConvolutionChain:
    torch.manual_seed(1)
    layers = [Conv2d(3, 20, 3, padding=1), nn.ReLU(), Conv2d(20, 8, 3, bias=False), nn.Sigmoid(), Conv2d(8, 4, 1)]
    more = [nn.LeakyReLU(0.1), Conv2d(4, 6, 3), nn.PReLU(6), Conv2d(6, 5, 1), nn.PReLU()]
    return ConvolutionChain(nn.ReLU(), *layers, *more)


def of_torch(module: nn.Sequential) -> nn.Sequential:
    plain = nn.Sequential(*copy.deepcopy(module))
    for layer in plain:
        if isinstance(layer, Conv2d):
            layer.__class__ = nn.Conv2d
    return plain


def test_a_chain_equals_torch() -> None:
    ours, x = chain(), torch.randn(2, 3, 9, 8)
    theirs = of_torch(ours).double()
    seen, right = ours(x), theirs(x.double())
    torch.testing.assert_close(seen.double(), right, rtol=0, atol=1e-6)
    seen.square().sum().backward()
    right.square().sum().backward()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a.grad.double(), b.grad, rtol=1e-4, atol=1e-4)


def test_a_frozen_layer_gets_no_gradient() -> None:
    ours = chain()
    ours[1].weight.requires_grad_(False)
    ours(torch.randn(1, 3, 6, 6)).sum().backward()
    assert ours[1].weight.grad is None
    assert ours[1].bias.grad is not None and ours[3].weight.grad is not None


def test_hooks_inside_a_chain_are_called() -> None:
    ours, seen = chain(), []
    x = torch.randn(1, 3, 6, 6)
    before = ours(x)
    ours[3].register_forward_hook(lambda layer, inputs, output: seen.append(output.shape))
    torch.testing.assert_close(ours(x), before, rtol=0, atol=1e-6)
    assert seen == [(1, 8, 4, 4)]


def test_autocast_is_followed() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        assert chain()(torch.randn(1, 3, 6, 6)).dtype == torch.bfloat16


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_a_layer_gave_may_be_changed_in_place(dtype: torch.dtype) -> None:
    layer, x = Conv2d(3, 4, 3).to(dtype), torch.randn(1, 3, 6, 7, dtype=dtype)
    plain = nn.Conv2d.forward(layer, x)
    torch.testing.assert_close(torch.relu_(layer(x)), plain.relu(), rtol=0, atol=1e-5)
    torch.testing.assert_close(nn.Sequential(layer, nn.SiLU(inplace=True))(x), nn.SiLU()(plain), rtol=0, atol=1e-5)
    added = layer(x)
    added += 1
    torch.autograd.backward([added.square().sum(), torch.relu_(layer(x)).sum()])
    assert layer.weight.grad is not None
    right = torch.autograd.grad((plain + 1).square().sum() + plain.relu().sum(), layer.weight)
    torch.testing.assert_close(layer.weight.grad, right[0], rtol=1e-4, atol=1e-3)


def test_a_map_that_the_way_back_needs_may_not_be_changed() -> None:
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        ConvolutionChain(Conv2d(3, 4, 3), nn.ReLU())(torch.randn(1, 3, 6, 7)).mul_(2).sum().backward()


def test_other_channels_are_refused() -> None:
    for layers in ([Conv2d(3, 4, 3)], [Conv2d(9, 3, 1), Conv2d(4, 4, 1)]):
        with pytest.raises(TrainingError, match=r"wrong number of channels; seen: [39]; expected: [34]"):
            ConvolutionChain(*layers)(torch.randn(1, 9, 6, 7))


def test_transforms_of_torch_are_left_to_torch() -> None:
    ours, x = chain(), torch.randn(1, 3, 9, 8)
    theirs = of_torch(ours)
    for network_of in (lambda n: torch.func.jvp(n, (x,), (x,))[1], lambda n: torch.func.vmap(n)(x[None])):
        torch.testing.assert_close(network_of(ours), network_of(theirs))
    small = Conv2d(1, 1, 3)
    picture = torch.randn(1, 1, 4, 4)
    right = torch.autograd.functional.jacobian(small, picture)
    torch.testing.assert_close(torch.func.jacfwd(small)(picture), right)
    torch.testing.assert_close(torch.func.jacrev(small)(picture), right)
    with pytest.raises(TrainingError, match="several gradients at once"):
        torch.autograd.functional.jacobian(small, picture, vectorize=True)


def test_shapes_alone_go_through() -> None:
    with torch.device("meta"):
        network = chain()
        assert network(torch.empty(2, 3, 9, 8)).shape == (2, 5, 5, 4)
