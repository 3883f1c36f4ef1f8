"""`accelerate`: the same module, faster; nothing but where it computes may change."""

import copy
import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import pytest
import torch
import torch.distributed as distributed
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from pellucid import _engine
from pellucid.learn import accelerate
from pellucid.learn.layers.convolution import Conv2d, ConvolutionChain
from pellucid.learn.networks import build_network
from pellucid.learn.networks.chain import ChainOptions
from pellucid.learn.networks.plain import PlainOptions
from pellucid.learn.to_runtime.tracing import trace


@pytest.fixture
def isa() -> Iterator[None]:
    before = _engine.isa()
    yield
    _engine.set_isa(before)


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 12, 3, padding=1))
        self.edge = nn.Conv2d(12, 12, 4, padding="same")
        self.up = nn.ConvTranspose2d(12, 3, 2, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.up(self.edge(self.body(x)))


def test_the_report_says_what_and_why() -> None:
    net = Small()
    report = accelerate(net)
    assert report.convolutions == ("body.0", "body.2")
    assert report.chains == ("body",)
    assert dict(report.left) == {
        "edge": "it pads opposite edges differently",
        "up": "it is a ConvTranspose2d, the engine trains torch.nn.Conv2d",
    }
    assert str(report).splitlines()[0] == "2 convolutions on the engine, 1 chain"
    assert isinstance(net.body, ConvolutionChain) and type(net.edge) is nn.Conv2d


def test_a_layer_of_its_own() -> None:
    layer = nn.Conv2d(3, 4, 3)
    report = accelerate(layer)
    assert report.convolutions == ("",) and str(report).startswith("1 convolution on the engine, 0 chains")
    assert type(layer) is Conv2d


def test_other_types_of_numbers_are_torchs() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).double()
    report = accelerate(net)
    assert str(report).splitlines() == [
        "0 convolutions on the engine, 0 chains",
        "0 stays on torch: its weights are torch.float64, the engine trains float32",
    ]
    assert type(net[0]) is nn.Conv2d


class Named(nn.Sequential):
    pass


def test_a_subclass_of_sequential_is_no_chain_and_the_report_says_why() -> None:
    net = Named(nn.Conv2d(3, 4, 3), nn.ReLU())
    report = accelerate(net)
    assert report.convolutions == ("0",) and report.chains == () and type(net) is Named
    assert "the module is no chain: it is a Named, and a subclass of Sequential" in str(report)
    assert accelerate(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())).apart == ()


@pytest.mark.parametrize("made", [torch.jit.script, lambda net: torch.jit.trace(net, torch.zeros(1, 3, 8, 8))])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_script_computes_by_itself(made: Callable[[nn.Module], nn.Module]) -> None:
    report = accelerate(made(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())))
    assert report.convolutions == ()
    assert dict(report.left) == {"0": "TorchScript computes a Conv2d by itself, accelerate the module it was made from"}


def test_depthwise_convolutions_stay_on_torch_and_end_a_chain() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3, groups=8), nn.ReLU(), nn.Conv2d(16, 3, 1))
    x, before = torch.randn(1, 3, 9, 9), copy.deepcopy(net)
    report = accelerate(net)
    assert report.convolutions == ("0", "4") and report.left[0][0] == "2" and "depthwise" in report.left[0][1]
    torch.testing.assert_close(net(x), before(x))
    assert accelerate(nn.Conv2d(1, 8, 3)).left == ()  # one channel of a grey picture is no such thing


def test_the_report_says_what_autocast_leaves_to_torch(isa: None) -> None:
    _engine.set_isa("amx-emulated")
    size_kept = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 1))
    assert "autocast" not in str(accelerate(size_kept))
    others = [nn.Conv2d(8, 8, 5, padding=2), nn.Conv2d(8, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, groups=4), nn.Conv2d(8, 8, 3)]
    report = accelerate(nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), *others))
    assert report.off_tiles == ("1", "2", "3", "4") and len(report.convolutions) == 5
    assert str(report).splitlines()[-1].startswith("under bfloat16 autocast torch's are 1, 2, 3, 4: matrix tiles take")
    every = accelerate(nn.Sequential(*(nn.Conv2d(8, 8, 3) for _ in range(2))))
    assert "under bfloat16 autocast every convolution is torch's: matrix tiles take" in str(every)
    _engine.set_isa("scalar")
    assert "under autocast every convolution is torch's: without matrix tiles" in str(report)


def test_parameters_and_state_stay() -> None:
    net = Small()
    parameters, state = list(net.parameters()), copy.deepcopy(net.state_dict())
    accelerate(net)
    assert all(a is b for a, b in zip(net.parameters(), parameters, strict=True))
    assert list(net.state_dict()) == list(state)
    Small().load_state_dict(net.state_dict())
    assert accelerate(net).convolutions == ()  # a second time there is nothing left to do


def test_a_copy_is_accelerated_too() -> None:
    net = Small()
    accelerate(net)
    other, x = copy.deepcopy(net), torch.randn(1, 3, 8, 8)
    assert isinstance(other.body, ConvolutionChain)
    assert torch.equal(other(x), net(x))


def test_export_sees_the_same_graph() -> None:
    net, x = Small().eval(), torch.randn(1, 3, 16, 16)
    before = [str(node.target) for node in trace(net, x).graph.nodes]
    accelerate(net)
    assert [str(node.target) for node in trace(net, x).graph.nodes] == before


def test_compiled_it_is_the_same() -> None:
    net, x = Small(), torch.randn(2, 3, 8, 8)
    accelerate(net)
    right = net(x)
    right.sum().backward()
    gradients = [p.grad.clone() for p in net.parameters()]
    net.zero_grad()
    seen = torch.compile(net, backend="aot_eager")(x)
    seen.sum().backward()
    torch.testing.assert_close(seen, right)
    for p, gradient in zip(net.parameters(), gradients, strict=True):
        torch.testing.assert_close(p.grad, gradient)


def larger(seed: int = 0) -> nn.Sequential:
    """A chain, single layers, and layers of torch's between them."""
    torch.manual_seed(seed)
    net = nn.Sequential(Small(), nn.SiLU(), nn.Conv2d(3, 8, 3, padding=1), nn.PReLU(8), nn.Conv2d(8, 3, 1))
    accelerate(net)
    return net


@pytest.mark.heavy
@pytest.mark.parametrize("precision", ["float32", "tiles"])
def test_compiled_by_inductor_it_is_the_same(precision: str, isa: None) -> None:
    from torch._inductor.cpp_builder import get_cpp_compiler
    from torch._inductor.exc import InvalidCxxCompiler
    from torch._inductor.utils import fresh_cache

    try:
        get_cpp_compiler()
    except InvalidCxxCompiler:
        pytest.skip("no C++ compiler")
    if precision == "tiles":
        _engine.set_isa("amx-emulated")
    net, x = larger(), torch.randn(2, 3, 8, 8, requires_grad=True)

    def found(network: Callable[[Tensor], Tensor]) -> list[Tensor]:
        with torch.autocast("cpu", torch.bfloat16) if precision == "tiles" else nullcontext():
            y = network(x)
        return [y.detach(), *torch.autograd.grad(y.float().square().sum(), [x, *net.parameters()])]

    right = found(net)
    with fresh_cache():
        seen = found(torch.compile(net, fullgraph=True))
    near = 0.01 if precision == "tiles" else 1e-4  # Inductor's SiLU may round another way
    for a, b in zip(seen, right, strict=True):
        torch.testing.assert_close(a, b, rtol=near, atol=near * float(b.abs().max()))


def one_of_two(rank: int, folder: Path) -> None:
    """One step of its half of the batch; what came of it lies in the folder."""
    torch.set_num_threads(1)
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # no other machine takes part
    store = distributed.FileStore(str(folder / "meeting"), 2)
    distributed.init_process_group("gloo", store=store, rank=rank, world_size=2, timeout=timedelta(seconds=60))
    net = DistributedDataParallel(larger(seed=rank))  # which begin alike all the same
    x = torch.load(folder / "x.pt")
    net(x[rank::2]).square().mean().backward()
    gradients = [p.grad for p in net.parameters()]
    torch.optim.SGD(net.parameters(), lr=0.1).step()
    torch.save((gradients, net.module.state_dict()), folder / f"{rank}.pt")
    distributed.destroy_process_group()


def test_two_processes_of_torch_learn_what_one_learns(tmp_path: Path) -> None:
    net, x = larger(), torch.randn(4, 3, 8, 8)
    torch.save(x, tmp_path / "x.pt")
    spawn = multiprocessing.get_context("spawn")
    both = [spawn.Process(target=one_of_two, args=(rank, tmp_path), daemon=True) for rank in range(2)]
    try:
        for process in both:
            process.start()
        for process in both:
            process.join(120)
    finally:
        for process in both:
            process.kill()
            process.join()
    assert [process.exitcode for process in both] == [0, 0]
    net(x).square().mean().backward()
    (first, state), (second, other) = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    for p, a, b in zip(net.parameters(), first, second, strict=True):
        assert torch.equal(a, b)
        torch.testing.assert_close(a, p.grad, rtol=1e-4, atol=1e-5 * float(p.grad.abs().max()))  # sums in another order
    torch.optim.SGD(net.parameters(), lr=0.1).step()
    for name, value in net.state_dict().items():
        assert torch.equal(state[name], other[name])
        torch.testing.assert_close(state[name], value, rtol=0, atol=1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_on_a_gpu_it_is_torch() -> None:
    net, x = Small().cuda(), torch.randn(1, 3, 8, 8, device="cuda")
    right = net(x)
    accelerate(net)
    torch.testing.assert_close(net(x), right, rtol=1e-3, atol=1e-3)
    net(x).sum().backward()


@pytest.mark.parametrize(
    ("name", "options"), [("plain", PlainOptions(16, 3)), ("chain", ChainOptions(channels=16, layers=2))]
)
def test_a_network_learns_the_same(name: str, options: object) -> None:
    """Eight steps on the engine and on torch in float64 end with the same loss."""
    losses = []
    for on_engine in (True, False):
        torch.manual_seed(5)
        net = build_network(name, options)
        if on_engine:
            assert accelerate(net).chains
        dtype = torch.float32 if on_engine else torch.float64
        net = net.to(dtype).train()
        optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
        x = torch.rand((2, 3, 12, 12), generator=torch.Generator().manual_seed(6)).to(dtype)
        for _ in range(8):
            y = net(x)
            loss = (y - 0.25).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=2e-3)
