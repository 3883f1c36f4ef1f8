"""Networks that turn with their picture: exactly, at the start and after training, and only if they are asked to."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pellucid.errors import UsageError
from pellucid.learn import accelerate
from pellucid.learn.layers.turning import POSITIONS, turned
from pellucid.learn.networks import build_network
from pellucid.learn.networks.chain import Chain, ChainOptions
from pellucid.learn.networks.denoiser import Denoiser, DenoiserOptions


def _networks() -> dict[str, tuple[nn.Module, int]]:
    torch.manual_seed(2)
    chains = {f"x{s}": Chain(ChainOptions(16, 2, "prelu", True, scale=s, turning=True)) for s in (2, 3, 4)}
    plain = Chain(ChainOptions(8, 1, "relu", False, turning=True))
    denoiser = Denoiser(DenoiserOptions(16, 2, activation="prelu", turning=True))
    grey = Denoiser(DenoiserOptions(8, 1, colours=1, turning=True))
    return {k: (n, 3) for k, n in (chains | {"plain": plain}).items()} | {"denoiser": (denoiser, 4), "grey": (grey, 2)}


def _as_seen(x: Tensor, position: int) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(turned(x.numpy(), position, 2, 3)))


def _error(network: nn.Module, channels: int) -> float:
    """The largest difference between results of turned pictures and turned results, as a share of the correction."""
    x = torch.rand(1, channels, 8, 12, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = network(x)
        differences = [network(_as_seen(x, position)) - _as_seen(expected, position) for position in range(POSITIONS)]
    return max(float(d.abs().max()) for d in differences)


def _train(network: nn.Module, channels: int, steps: int = 3) -> None:
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    torch.manual_seed(5)
    for _ in range(steps):
        y = network(torch.rand(2, channels, 8, 8))
        (y * torch.randn_like(y)).mean().backward()
        optimiser.step()
        optimiser.zero_grad()


@pytest.mark.parametrize("name", list(_networks()))
def test_it_turns_with_its_picture_at_the_start_and_when_it_has_learned(name: str) -> None:
    network, channels = _networks()[name]
    before = copy.deepcopy(network.state_dict())
    assert _error(network, channels) < 1e-6
    _train(network, channels)
    assert all(not torch.equal(before[key], value) for key, value in network.state_dict().items())
    assert _error(network, channels) < 1e-5


def test_it_does_so_on_the_engine() -> None:
    network, channels = _networks()["x3"]
    accelerate(network)
    _train(network, channels)
    assert _error(network, channels) < 1e-5


def test_other_networks_do_not() -> None:
    network = Chain(ChainOptions(16, 2))
    _train(network, 3)
    assert _error(network, 3) > 1e-3


def test_shared_gradients_are_the_mean_of_an_orbit() -> None:
    """So a weight's gradient is that of the free weight, divided by the orbit's size: what descent along it needs."""
    network, channels = _networks()["x2"]
    free = build_network("chain", ChainOptions(16, 2, "prelu", True, scale=2))
    free.load_state_dict(network.state_dict())
    x = torch.rand(2, channels, 8, 8)
    for n in (network, free):
        (n(x) ** 3).mean().backward()
    assert isinstance(network, Chain) and isinstance(free, Chain)
    tied, own = network.head.bias.grad, free.head.bias.grad
    assert tied is not None and own is not None
    assert torch.allclose(tied, own.reshape(-1, 8).mean(1).repeat_interleave(8), rtol=1e-4)
    assert not torch.allclose(tied, own, rtol=1e-2)


def test_channels_that_are_not_eights_are_refused() -> None:
    with pytest.raises(UsageError, match="12 channels"):
        Chain(ChainOptions(12, 2, turning=True))
