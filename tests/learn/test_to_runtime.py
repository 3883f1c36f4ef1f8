"""Export: every translation against torch by an interpreter of its own and by the engine; names, folding, refusals."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import pellucid
from pellucid.card import Card
from pellucid.errors import GraphError, NotFiniteError, UsageError
from pellucid.learn import export
from pellucid.learn.to_runtime import to_graph
from pellucid.learn.to_runtime.checking import check, find_multiple, relative_error
from pellucid.modelfile import ModelFile
from pellucid.network import Network
from tests.interpreter import interpret


class Does(nn.Module):
    """A module that is one function of its input, with a convolution before it where channels change."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def normed(module: nn.Module) -> nn.Module:
    """Statistics as after training, so that folding shows."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d) and part.running_mean is not None and part.running_var is not None:
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2)
    return module.eval()


def by_torch(module: nn.Module, x: Tensor) -> np.ndarray:
    with torch.no_grad():
        y = module.eval()(x).numpy()
    return y.transpose(0, 2, 3, 1) if y.ndim == 4 else y[:, None, None, :]


def holds(module: nn.Module, channels: int = 4, sizes: tuple[tuple[int, int], ...] = ((12, 16), (13, 19))) -> list[str]:
    """Compares torch with the exported graph, run by the interpreter and by the engine; returns the operations."""
    torch.manual_seed(1)
    graph, weights = to_graph(module, torch.rand(1, channels, *sizes[0]))
    for size in sizes if graph.size is None else sizes[:1]:
        x = torch.rand(1, channels, *size) * 2 - 1
        wanted, given = by_torch(module, x), np.ascontiguousarray(x.numpy().transpose(0, 2, 3, 1))
        for got in (interpret(graph, weights, given), Network(ModelFile(graph, weights, Card())).run(given, "fp32")):
            assert got.shape == wanted.shape
            assert relative_error(got, wanted) < 1e-5
    return [node.operation for node in graph.nodes]


LAYERS: dict[str, nn.Module] = {
    "conv": nn.Conv2d(4, 6, (3, 5), (2, 1), (1, 2), (1, 1), bias=False),
    "conv dilated, grouped": nn.Conv2d(4, 8, 3, padding=2, dilation=2, groups=2),
    "conv same": nn.Conv2d(4, 5, (4, 3), padding="same"),
    "conv reflected": nn.Conv2d(4, 5, 3, padding=1, padding_mode="reflect"),
    "conv transposed": nn.ConvTranspose2d(4, 6, 4, 2, 1, groups=2),
    "conv transposed, output padding": nn.ConvTranspose2d(4, 5, 3, (2, 3), 1, output_padding=(1, 2)),
    "prelu": nn.PReLU(4),
    "activations": nn.Sequential(nn.ReLU(), nn.LeakyReLU(0.2), nn.Tanh(), nn.SELU(), nn.SiLU(), nn.Hardswish()),
    "more activations": nn.Sequential(nn.GELU(), nn.GELU("tanh"), nn.Softsign(), nn.Softplus(), nn.Sigmoid()),
    "clips": nn.Sequential(nn.ReLU6(), nn.Hardtanh(-0.5, 0.7), nn.Hardsigmoid()),
    "batch norm": normed(nn.Sequential(nn.ReLU(), nn.BatchNorm2d(4))),
    "group norm": nn.GroupNorm(2, 4),
    "instance norm": nn.InstanceNorm2d(4, affine=True),
    "local response norm": nn.LocalResponseNorm(3, 0.2, 0.6, 1.5),
    "softmax": nn.Softmax2d(),
    "max pool": nn.MaxPool2d(3, 2, 1),
    "max pool, ceiling": nn.MaxPool2d(2, ceil_mode=True),
    "mean pool": nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    "adaptive pools": nn.Sequential(nn.AdaptiveAvgPool2d((5, 6)), nn.AdaptiveMaxPool2d(3)),
    "shuffles": nn.Sequential(nn.PixelShuffle(2), nn.Identity(), nn.PixelUnshuffle(2), nn.Dropout(0.5)),
    "nearest": nn.Upsample(scale_factor=2),
    "bilinear, corners": nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
    "bicubic": nn.Upsample(scale_factor=3, mode="bicubic"),
    "pads": nn.Sequential(
        nn.ReflectionPad2d((1, 2, 3, 4)), nn.ReplicationPad2d(1), nn.ConstantPad2d((0, 1, 2, 0), 0.3)
    ),
    "dense": nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 7), nn.ReLU(), nn.Linear(7, 2)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str) -> None:
    holds(LAYERS[name])


class Kernels(nn.Module):
    """Each pixel's own weighted sum of its neighbours, as kernel-predicting networks write it."""

    def __init__(self, kernel: tuple[int, int], each: bool, picture: int = 4) -> None:
        super().__init__()
        self.kernel, self.taps, self.picture = kernel, kernel[0] * kernel[1], picture
        self.predict = nn.Conv2d(4, self.taps * (picture if each else 1), 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        n, _, h, w = x.shape
        around = (self.kernel[0] // 2, self.kernel[1] // 2)
        windows = F.unfold(x[:, : self.picture], self.kernel, padding=around)
        kernels = self.predict(x).view(n, -1, self.taps, h, w).softmax(2)
        return (windows.view(n, self.picture, self.taps, h, w) * kernels).sum(2)


class Grey(Kernels):
    """The same of one channel, in four dimensions."""

    def forward(self, x: Tensor) -> Tensor:
        n, _, h, w = x.shape
        windows = F.unfold(x[:, :1], 3, padding=1).unflatten(2, (h, w))
        return (self.predict(x).softmax(1) * windows).sum(1, keepdim=True)


@pytest.mark.parametrize(
    ("module", "before"),
    [
        (Kernels((3, 5), each=False), ["conv", "softmax"]),
        (Kernels((1, 3), each=True), ["conv", *["slice_channels"] * 4, *["softmax"] * 4, "concat"]),
        (Kernels((3, 3), each=False, picture=1), ["slice_channels", "conv", "softmax"]),
        (Grey((3, 3), each=False), ["slice_channels", "conv", "softmax"]),
    ],
)
def test_kernels_of_each_pixel(module: nn.Module, before: list[str]) -> None:
    assert holds(module) == [*before, "apply_kernels"]


def test_layer_norm_over_all_fixes_the_size(tmp_path: Path) -> None:
    norm = nn.LayerNorm((4, 12, 16))
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    assert holds(nn.Sequential(nn.ReLU(), norm)) == ["relu", "layer_norm"]
    assert export(norm, tmp_path / "m", torch.rand(1, 4, 12, 16)).graph.size == (12, 16)
    assert holds(Does(lambda x: F.layer_norm(x, x.shape[1:]))) == ["layer_norm"]
    pooled = nn.Sequential(nn.AdaptiveAvgPool2d((5, 6)), nn.LayerNorm((4, 5, 6)))
    assert export(pooled, tmp_path / "m", torch.rand(1, 4, 12, 16)).graph.size is None


CONSTANT = torch.tensor([0.5, -1.0, 2.0, 3.0]).reshape(1, 4, 1, 1)

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "constants": lambda x: (1 - (x * 2 + 1) / 3).clamp(min=-0.5) - x.neg(),
    "constants per channel": lambda x: (x * CONSTANT - CONSTANT).relu() / CONSTANT,
    "alpha": lambda x: torch.sub(torch.add(x, x.abs(), alpha=3), x.square(), alpha=0.5),
    "sine": lambda x: torch.sin(30 * x) + torch.sin(x + 1),
    "in place": lambda x: _in_place(x),
    "split": lambda x: torch.cat([*x.chunk(2, 1)[::-1], *x.split(3, 1), *x.split([1, 3], 1)], 1),
    "channels": lambda x: torch.cat([x[:, 1:3], x[:, [2, 0, 0]], x.flip(1), x.repeat(1, 2, 1, 1)], 1),
    "interleaved": lambda x: x.repeat_interleave(3, 1),
    "cut": lambda x: x[:, :, 1:-2, 2:],
    "attention": lambda x: x * torch.sigmoid(x.mean((2, 3), keepdim=True)) + x.amax((2, 3), keepdim=True),
    "over channels": lambda x: x * x.mean(1, keepdim=True) + x.max(1, keepdim=True)[0] + x.sum(1, keepdim=True),
    "squeezed": lambda x: x * torch.tanh(x.mean((2, 3)))[:, :, None, None],
    "channels last": lambda x: F.gelu(F.layer_norm(x.permute(0, 2, 3, 1), (4,)) * 2).permute(0, 3, 1, 2),
    "unpooled": lambda x: unpooling(x[:, :, :, :]),
    "to the input's size": lambda x: F.interpolate(x, size=(x.shape[2] * 2, x.shape[3] * 2), mode="bilinear"),
    "pooled, spread again": lambda x: torch.cat(
        [x, F.interpolate(x.mean((2, 3), keepdim=True)[:, 1:], x.shape[2:])], 1
    ),
    "one pixel to the picture's size": lambda x: (
        F.interpolate(F.adaptive_avg_pool2d(x, 1), x.shape[2:], mode="bilinear") * x
    ),
    "as float32": lambda x: x.float() + x.to(torch.float32) * x.to(CONSTANT.dtype) - x.type_as(CONSTANT),
    "comparisons": lambda x: (x > 0).float() + x * (x > 0.25) - (x < 0.5).to(x.dtype) + (x >= 0.125) + (x <= -0.2) * x,
    "groups": lambda x: x.unflatten(1, (2, 2)).amax(2) + x.view(1, 2, 2, *x.shape[2:]).mean(2),
    "more groups": lambda x: x.view(1, 2, 2, *x.shape[2:]).sum(2) - x.unflatten(1, (2, -1)).max(dim=2)[0],
    "zeros": lambda x: x + torch.zeros_like(x) + torch.ones_like(x),
}


def _in_place(x: Tensor) -> Tensor:
    y = x * 2
    same = y[:]  # another name of the same numbers
    y.relu_()
    return same + y.add_(1)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str) -> None:
    sizes = ((12, 16), (14, 20)) if name == "unpooled" else ((12, 16), (13, 19))
    holds(Does(FUNCTIONS[name]), sizes=sizes)


def test_batch_norm_and_scales_go_into_the_convolution() -> None:
    conv, transposed = nn.Conv2d(4, 6, 3, groups=2, bias=False), nn.ConvTranspose2d(6, 8, 2, 2, groups=2)
    module = nn.Sequential(conv, nn.BatchNorm2d(6), nn.ReLU(), transposed, nn.BatchNorm2d(8))
    assert holds(normed(module)) == ["conv", "relu", "conv_transpose"]
    dense = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5), Does(lambda x: x * 3 - 1))
    assert holds(dense) == ["global_mean_pool", "linear"]


def test_batch_norm_stays_where_others_read_the_convolution() -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)

        def forward(self, x: Tensor) -> Tensor:
            y = self.conv(x)
            return y + self.norm(y)

    assert holds(normed(Both())) == ["conv", "batch_norm", "add"]


def test_zero_padding_goes_into_the_next_convolution() -> None:
    assert holds(nn.Sequential(nn.ZeroPad2d((1, 2, 0, 1)), nn.Conv2d(4, 3, 3, padding=1))) == ["conv"]
    assert holds(nn.Sequential(nn.ConstantPad2d(1, 0.5), nn.Conv2d(4, 3, 3))) == ["pad", "conv"]


class Named(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.ReLU())
        self.act = nn.ReLU()
        self.scale = nn.Parameter(torch.full((1, 3, 1, 1), 0.5))
        self.reflected = nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect")

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.body(self.body(x)) + x)
        return self.act(self.reflected(y) * y) * self.scale


def test_nodes_carry_the_names_of_modules() -> None:
    graph, weights = to_graph(Named(), torch.rand(1, 3, 8, 8))
    names = [
        "body.0",
        "body.1",
        "body.0#2",
        "body.1#2",
        "add",
        "act",
        "reflected.pad",
        "reflected",
        "multiply",
        "act#2",
    ]
    assert [node.name for node in graph.nodes] == [*names, "affine"]
    assert graph.nodes[2].weights == "body.0" and graph.nodes[2].weights_prefix == "body.0"
    shared = {"body.0.weight", "body.0.bias", "reflected.weight", "reflected.bias", "affine.scale"}
    assert weights.keys() == shared  # what is called twice is stored once


def test_blocks_that_can_collapse_do() -> None:
    class Wide(nn.Module):
        """Two convolutions that are one: 1x1 into many channels and 3x3 back."""

        def __init__(self) -> None:
            super().__init__()
            self.expand = nn.Conv2d(4, 16, 1, bias=False)
            self.squeeze = nn.Conv2d(16, 4, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            return self.squeeze(self.expand(x))

        def collapsed(self) -> nn.Module:
            conv = nn.Conv2d(4, 4, 3, padding=1)
            conv.weight.copy_(torch.einsum("oikl,ij->ojkl", self.squeeze.weight, self.expand.weight[:, :, 0, 0]))
            assert conv.bias is not None and self.squeeze.bias is not None
            conv.bias.copy_(self.squeeze.bias)
            return conv

    module = nn.Sequential(Wide(), nn.ReLU(), Wide())
    assert holds(module) == ["conv", "relu", "conv"]
    assert isinstance(module[0], Wide)  # the module itself stays as it was


class Ladder(nn.Module):
    """A U-Net of two levels: sizes must be multiples of 4."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList(nn.Conv2d(c, 4, 3, padding=1) for c in (3, 4, 4))
        self.up = nn.ModuleList(nn.Conv2d(8, 4, 3, padding=1) for _ in range(2))
        self.head = nn.Conv2d(4, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        across = []
        for level, conv in enumerate(self.down):
            x = torch.relu(conv(x if level == 0 else F.max_pool2d(x, 2)))
            across.append(x)
        across.pop()
        for conv in self.up:
            x = F.interpolate(x, scale_factor=2, mode="bilinear")
            x = torch.relu(conv(torch.cat([across.pop(), x], 1)))
        return self.head(x)


def test_the_file_is_the_module(tmp_path: Path) -> None:
    torch.manual_seed(2)
    module = normed(nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.PReLU(8), nn.Conv2d(8, 3, 3)))
    written = export(module, tmp_path / "m.safetensors", torch.rand(1, 3, 16, 20), Card(task="denoise"))
    network = pellucid.load(tmp_path / "m.safetensors")
    assert network.card.task == "denoise" and network.graph == written.graph
    x = torch.rand(1, 3, 31, 22)
    got = network.run(np.ascontiguousarray(x.numpy().transpose(0, 2, 3, 1)))
    assert relative_error(got, by_torch(module, x)) < 1e-5
    export(module, tmp_path / "again.safetensors", torch.rand(1, 3, 16, 20), Card(task="denoise"))
    assert (tmp_path / "m.safetensors").read_bytes() == (tmp_path / "again.safetensors").read_bytes()
    half = export(module, tmp_path / "half.safetensors", torch.rand(1, 3, 16, 20), half=True)
    rounded = written.weights["0.weight"].astype(np.float16).astype(np.float32)
    np.testing.assert_array_equal(half.weights["0.weight"], rounded)


def test_multiples_are_found(tmp_path: Path) -> None:
    module = Ladder()
    written = export(module, tmp_path / "u.safetensors", torch.rand(1, 3, 16, 24))
    assert written.graph.multiple == 4 and written.graph.size is None
    x = torch.rand(1, 3, 13, 18)
    up = F.pad(x, (0, 2, 0, 3), "reflect")
    got = pellucid.load(tmp_path / "u.safetensors").run(np.ascontiguousarray(x.numpy().transpose(0, 2, 3, 1)))
    assert relative_error(got, by_torch(module, up)[:, :13, :18]) < 1e-5


class Tied(nn.Module):
    """On the first pictures of each size values are put elsewhere, as near ties in a pool would have it."""

    def __init__(self, module: nn.Module, ties: int) -> None:
        super().__init__()
        self.module, self.ties, self.seen = module, ties, defaultdict[torch.Size, set[bytes]](set)

    def forward(self, x: Tensor) -> Tensor:
        self.seen[x.shape].add(x.numpy().tobytes())
        return self.module(x).roll(1, 3) if len(self.seen[x.shape]) <= self.ties else self.module(x)


def unpooling(x: Tensor) -> Tensor:
    return F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2)


@pytest.mark.parametrize("ties", [0, 1, 3])
def test_near_ties_in_a_pool_cost_no_multiple(ties: int) -> None:
    module, example = Does(unpooling), torch.rand(1, 4, 12, 16)
    file = ModelFile(*to_graph(module, example), Card())
    assert find_multiple(Tied(module, ties), Network(file), example).graph.multiple == 2


@pytest.mark.parametrize(("function", "ties"), [(unpooling, 1000), (torch.relu, 1)])
def test_what_differs_always_or_without_positions_is_no_near_tie(
    function: Callable[[Tensor], Tensor], ties: int
) -> None:
    module, example = Does(function), torch.rand(1, 4, 12, 16)
    file = ModelFile(*to_graph(module, example), Card())
    with pytest.raises(GraphError, match="other numbers than torch"):
        check(Tied(module, ties), Network(file), [(12, 16)])


def test_dense_layers_fix_the_size(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 5 * 6, 3))
    assert export(module, tmp_path / "d.safetensors", torch.rand(1, 1, 12, 14)).graph.size == (12, 14)


REFUSED: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "unknown": (lambda x: torch.cumsum(x, 1), "aten.cumsum cannot be exported: the engine has no such operation"),
    "division": (lambda x: x / (x + 2), "aten.div cannot be exported: it divides by a map"),
    "rows": (lambda x: x[:, :, :5], "aten.slice cannot be exported: it cuts a fixed number of rows"),
    "axis": (lambda x: torch.cat([x, x], 2), "aten.cat cannot be exported: it joins along axis 2"),
    "circular": (lambda x: F.pad(x, (1, 1, 1, 1), "circular"), "aten.pad cannot be exported: it pads 'circular'"),
    "softmax": (lambda x: x.softmax(2), "aten.softmax cannot be exported: it acts on axis 2"),
    "view": (lambda x: x.view(1, 2, x.shape[2] * 2, x.shape[3]), "aten.view cannot be exported: it views"),
    "sizes": (lambda x: x * x.shape[2], "aten.mul cannot be exported: a factor depends on the picture's size"),
    "map constant": (lambda x: x + torch.zeros(1, 4, 12, 16), "aten.add|cannot follow"),
    "double": (lambda x: x.double() * 2, "aten.to cannot be exported: it converts to torch.float64"),
    "half": (lambda x: x.half().float(), "aten.to cannot be exported: it converts to torch.float16"),
    "pooled": (
        lambda x: F.interpolate(F.adaptive_avg_pool2d(x, 2), x.shape[2:], mode="bilinear"),
        "it resizes 2 x 2, whatever the picture's size, to a size that follows it",
    ),
    "groups": (lambda x: x.unflatten(1, (2, 2)).amax(1), "aten.amax cannot be exported: it acts on other axes than"),
    "grouped": (lambda x: x.unflatten(1, (2, 2)).relu().amax(2), "aten.relu cannot be exported: it acts on groups of"),
    "unfold": (lambda x: F.unfold(x, 3, padding=1).sum(1), "aten.sum cannot be exported: it acts on what unfold gives"),
    "unpadded": (lambda x: F.unfold(x, 3), r"aten.im2col cannot be exported: kernel \[3, 3\], padding \[0, 0\]"),
    "weighed": (
        lambda x: F.unfold(x, 3, padding=1).view(1, 4, 9, *x.shape[2:]) * x.unsqueeze(2),
        "aten.mul cannot be exported: it multiplies what unfold gives by something else",
    ),
    "maps compared": (lambda x: (x > x * 2).float(), "aten.gt cannot be exported: it compares with a map"),
    "condition": (lambda x: 1 / (x > 0), "aten.(reciprocal|div|rsub) cannot be exported"),
    "values": (lambda x: x if x.sum() > 0 else -x, "torch.export cannot follow the module"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_engine_lacks_is_refused_by_name_and_line(name: str, tmp_path: Path) -> None:
    function, message = REFUSED[name]
    with pytest.raises(GraphError, match=message) as caught:
        export(Does(function), tmp_path / "m.safetensors", torch.rand(1, 4, 12, 16))
    line = function.__code__.co_firstlineno
    assert f"test_to_runtime.py:{line}" in str(caught.value)
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())


DECIDED_BY_SIZE: dict[str, tuple[Callable[[Tensor], bool], str]] = {
    "at most": (lambda x: x.shape[2] <= 100, "not h <= 100; seen: 101 x 16"),
    "far": (lambda x: x.shape[3] < 8000, "not w < 8000; seen: 12 x 8192"),
    "at least": (lambda x: x.shape[2] > 8, "not h > 8; seen: 8 x 16"),
    "one side": (lambda x: x.shape[2] != 100, "not h != 100; seen: 100 x 16"),
    "just beyond": (lambda x: x.shape[2] <= 12, "not h <= 12; seen: 13 x 16"),
    "upright": (lambda x: x.shape[2] < x.shape[3], "not h < w; seen: 16 x 16"),
    "pixels": (lambda x: x.shape[2] * x.shape[3] < 20000, r"not [hw]\*[hw] < 20000; seen: \d+ x \d+"),
}


@pytest.mark.parametrize("name", DECIDED_BY_SIZE)
def test_what_a_module_decides_by_the_size_is_refused(name: str, tmp_path: Path) -> None:
    condition, message = DECIDED_BY_SIZE[name]
    with pytest.raises(GraphError, match=f"computes something else where {message}") as caught:
        export(Does(forked := lambda x: x.exp() if condition(x) else x), tmp_path / "m", torch.rand(1, 3, 12, 16))
    assert f"test_to_runtime.py:{forked.__code__.co_firstlineno};" in str(caught.value)
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())


def _at_least(x: Tensor) -> Tensor:
    if x.shape[2] < 8:
        raise ValueError("the picture is too small")
    return x.exp()


def _at_most(x: Tensor) -> Tensor:
    assert x.shape[2] <= 100
    return x.exp()


def _fours(x: Tensor) -> Tensor:
    assert x.shape[2] % 4 == 0 and x.shape[3] % 4 == 0
    return x.exp()


def test_what_a_module_may_decide_by_the_size(tmp_path: Path) -> None:
    def exported(function: Callable[[Tensor], Tensor]) -> ModelFile:
        return export(Does(function), tmp_path / "m", torch.rand(1, 3, 12, 16))

    assert exported(_at_least).graph.multiple == 1  # smaller ones are refused by torch as by many an operation
    assert exported(_fours).graph.multiple == 4
    assert exported(lambda x: x.exp() if x.shape[2] <= 100 else x.exp() * 1).graph.multiple == 1
    fixed = Does(lambda x: x.flatten(1) if x.shape[2] <= 100 else x.flatten(1) * 2)
    assert export(fixed, tmp_path / "m", torch.rand(1, 3, 12, 16)).graph.size == (12, 16)
    with pytest.raises(GraphError, match="takes no picture where not h <= 100; seen: 101 x 16"):
        exported(_at_most)


def test_examples_and_results_that_are_no_pictures(tmp_path: Path) -> None:
    for example in (torch.rand(3, 8, 8), torch.rand(2, 3, 8, 8)):
        with pytest.raises(UsageError, match="example is no picture"):
            export(nn.ReLU(), tmp_path / "m", example)
    with pytest.raises(UsageError, match="example is no picture"):
        export(nn.ReLU(), tmp_path / "m", torch.rand(1, 3, 0, 8))
    with pytest.raises(UsageError, match="example is too small; seen: 1 x 8; expected: height and width of at least 2"):
        export(nn.ReLU(), tmp_path / "m", torch.rand(1, 3, 1, 8))
    with pytest.raises(GraphError, match="returns several values"):
        export(Does(lambda x: (x, x)), tmp_path / "m", torch.rand(1, 3, 8, 8))  # type: ignore[arg-type, return-value]
    with pytest.raises(NotFiniteError):
        export(Does(lambda x: (x * 200).exp()), tmp_path / "m", torch.rand(1, 3, 8, 8))
    assert not list(tmp_path.iterdir())


def test_other_numbers_than_torch_get_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Network, "run", lambda self, x, precision: x * 1.001)
    with pytest.raises(GraphError, match="other numbers than torch for .*relative error of 0.001"):
        export(Does(lambda x: x * 1), tmp_path / "m", torch.rand(1, 3, 8, 8))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("module", "where"),
    [
        (nn.Sequential(nn.Conv2d(4, 4, 3), nn.ELU()), "1: ELU"),
        (nn.ELU(), "ELU"),
        (nn.Sequential(nn.Sequential(nn.Conv2d(4, 4, 3), nn.ELU())), "0.1: ELU"),
    ],
)
def test_layers_of_torch_in_layers_of_torch_are_named(module: nn.Module, where: str) -> None:
    with pytest.raises(GraphError, match="aten.elu cannot be exported") as caught:
        to_graph(module, torch.rand(1, 4, 12, 16))
    assert caught.value.seen == where and "docs/reference/textbook.md" in str(caught.value.expected)
    assert (Path(__file__).parents[2] / "docs/reference/textbook.md").exists()


def test_a_layer_that_torch_cannot_follow_is_named() -> None:
    with pytest.raises(GraphError, match=r"have 3 channels, but got 4 channels instead \(1: Conv2d\)"):
        to_graph(nn.Sequential(nn.Conv2d(4, 4, 3), nn.Conv2d(3, 4, 3)), torch.rand(1, 4, 12, 16))


def test_what_is_no_module_or_no_file(tmp_path: Path) -> None:
    for module, seen in (("net", "'net'"), (nn.ReLU, "type"), (None, "NoneType")):
        with pytest.raises(UsageError, match=f"no module; seen: {seen}; expected: a torch.nn.Module"):
            export(module, tmp_path / "m", torch.rand(1, 3, 8, 8))  # type: ignore[arg-type]
    for path in (tmp_path, tmp_path / "absent" / "m", ""):
        with pytest.raises(UsageError, match=f"cannot be written; seen: '{path}'; expected: the name of a file"):
            export(nn.ReLU(), path, torch.rand(1, 3, 8, 8))
    assert not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore:.*weight_norm")
def test_the_older_weight_norm_is_refused_in_a_line() -> None:
    module = torch.nn.utils.weight_norm(nn.Conv2d(4, 4, 3))  # type: ignore[no-untyped-call]
    with pytest.raises(
        GraphError, match="cannot be copied.*hint: torch.nn.utils.parametrizations.weight_norm"
    ) as caught:
        to_graph(module, torch.rand(1, 4, 12, 16))
    assert "\n" not in str(caught.value)
