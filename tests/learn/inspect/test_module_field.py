"""Receptive fields of modules: published figures, what gradients show, and agreement with the exported graph's."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from pellucid.card import Card  # noqa: E402
from pellucid.inspect import receptive_field  # noqa: E402
from pellucid.learn.inspect.module_field import FieldWatch  # noqa: E402
from pellucid.learn.inspect.subjects import in_memory  # noqa: E402
from pellucid.learn.networks import build_network  # noqa: E402
from pellucid.learn.networks.documented import documented  # noqa: E402
from pellucid.learn.networks.unet import SlimUNet, UNet  # noqa: E402


def field(module, *size):
    x = torch.rand(1, *size, device=next(module.parameters()).device)
    with torch.no_grad(), FieldWatch(x) as watch:
        module.eval()(x)
    return watch.size


@pytest.mark.parametrize(
    ("name", "pixels"),
    [("alexnet", 195), ("alexnet-two-towers", 195), ("vgg-d", 212), ("resnet18", 435), ("resnet50", 427)],
)
def test_published_figures(name, pixels):
    with torch.device("meta"):
        module = documented(name).build()
    assert field(module, 3, 224, 224) == (pixels, pixels)


def test_dense_layers_have_no_window():
    with torch.device("meta"):
        assert field(documented("mlp").build(), 1, 28, 28) is None


class MeanPool(nn.Module):
    """In the place of the largest: its gradient reaches all that it reads."""

    def forward(self, x):
        return nn.functional.avg_pool2d(x, 2)


@pytest.mark.parametrize(
    "module",
    [UNet(1, 1, width=1, levels=3), UNet(1, 1, width=1, levels=3, padding=False), SlimUNet(1, 1, width=1)],
    ids=["U-Net", "without padding", "slim"],
)
def test_it_is_what_gradients_show_of_the_row_that_sees_most(module):
    module.pool = MeanPool()
    for weights in module.parameters():
        nn.init.constant_(weights, 1)
    x = torch.ones(1, 1, 640, 64, dtype=torch.float64, requires_grad=True)
    column = module.eval().double()(x)[0, 0, :, 0]
    middle, seen = len(column) // 2, []
    for row in range(middle, middle + 32):
        (gradient,) = torch.autograd.grad(column[row], x, retain_graph=True)
        rows = gradient[0, 0].abs().sum(1).nonzero()
        seen.append(int(rows.max() - rows.min()) + 1)
    with torch.no_grad(), FieldWatch(x) as watch:
        module(x)
    assert watch.size == (max(seen), max(seen))


@pytest.mark.parametrize("name", ["fsrcnn", "denoiser", "segnet"])
def test_the_exported_graph_says_the_same(name):
    module = build_network(name).eval()
    first = {"fsrcnn": 1, "denoiser": 4}.get(name, 3)
    graph = in_memory(name, module, (first, 64, 64), Card())
    assert field(module, first, 64, 64) == receptive_field(graph)[-1].size
