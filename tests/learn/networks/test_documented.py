"""The documents' networks: parameter counts of the papers and libraries, shapes at the papers' sizes."""

import pytest

from pellucid.errors import UsageError

torch = pytest.importorskip("torch")

from pellucid.learn.networks.densenet import DenseBlock  # noqa: E402
from pellucid.learn.networks.documented import DOCUMENTED, documented  # noqa: E402
from pellucid.learn.networks.googlenet import GoogLeNet  # noqa: E402
from pellucid.learn.networks.perceptron import MLP  # noqa: E402
from pellucid.learn.networks.random_wired import small_world  # noqa: E402
from pellucid.learn.networks.resnet import Basic, Bottleneck  # noqa: E402
from pellucid.learn.networks.segnet import SegNet  # noqa: E402
from pellucid.learn.networks.unet import UNet  # noqa: E402
from pellucid.learn.training.sums import multiply_adds  # noqa: E402

PARAMETERS = {  # of the papers, or of torchvision's networks
    "lenet5": 61_706,
    "alexnet": 61_100_840,
    "alexnet-two-towers": 60_965_224,
    "vgg-a": 132_863_336,
    "vgg-a-lrn": 132_863_336,
    "vgg-b": 133_047_848,
    "vgg-c": 133_638_952,
    "vgg-d": 138_357_544,
    "vgg-e": 143_667_240,
    "vgg-a-norm": 132_868_840,
    "vgg-b-norm": 133_053_736,
    "vgg-d-norm": 138_365_992,
    "vgg-e-norm": 143_678_248,
    "googlenet": 6_624_904,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "densenet121": 7_978_856,
    "unet": 31_030_658,
    "course-mnist": 836_522,
}
GIGA_MULTIPLY_ADDS = {
    "alexnet": 0.71,
    "vgg-a": 7.61,
    "vgg-b": 11.3,
    "vgg-d": 15.5,
    "vgg-e": 19.6,
    "googlenet": 1.50,
    "resnet18": 1.81,
    "resnet34": 3.68,
    "resnet50": 4.1,
    "resnet101": 7.8,
    "resnet152": 11.5,
    "densenet121": 2.83,
}
MAPS = {
    "unet": (2, 512, 512),
    "autoencoder": (784,),
    **dict.fromkeys(["unet-slim", "segnet", "segnet-basic"], (11, 352, 480)),
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_parameters_sums_and_shapes(name):
    entry = documented(name)
    with torch.device("meta"):  # counts and shapes need no numbers
        net = entry.build().eval()
        x = torch.empty(2, *entry.size)
        classes = 1000 if entry.size == (3, 224, 224) else 10
        assert tuple(net(x).shape) == (2, *MAPS.get(name, (classes,)))
    count = sum(p.numel() for p in net.parameters())
    assert count == PARAMETERS.get(name, count)
    if name in GIGA_MULTIPLY_ADDS:
        assert multiply_adds(net, x) / 2e9 == pytest.approx(GIGA_MULTIPLY_ADDS[name], rel=0.012)
    assert name != "unet-slim" or count < 2_000_000


def test_the_figures_name_networks_that_exist():
    assert {*PARAMETERS, *GIGA_MULTIPLY_ADDS, *MAPS} <= set(DOCUMENTED)
    with pytest.raises(UsageError, match="did you mean 'resnet18'"):
        documented("resnet-18")


@pytest.mark.parametrize(
    ("make", "parameters", "size", "out"),
    [
        (lambda: MLP([49_152, 9_216, 10]), 453_076_992 + 9_216 + 10, (3, 128, 128), (10,)),  # the fourth document's sum
        (lambda: GoogLeNet(auxiliary=True), 13_004_888, (3, 224, 224), (1000,)),
        (lambda: UNet(padding=False), 31_030_658, (1, 572, 572), (2, 388, 388)),  # the paper's sizes
    ],
)
def test_other_forms(make, parameters, size, out):
    with torch.device("meta"):
        net = make().eval()
        assert tuple(net(torch.empty(1, *size)).shape) == (1, *out)
    assert sum(p.numel() for p in net.parameters()) == parameters


def test_a_googlenet_in_training_has_three_heads():
    with torch.device("meta"):
        heads = GoogLeNet(10, auxiliary=True)(torch.empty(2, 3, 224, 224))
    assert [tuple(head.shape) for head in heads] == [(2, 10)] * 3


@pytest.mark.parametrize(("block", "last"), [(Basic(8, 8, 1), "bn2"), (Bottleneck(32, 8, 1), "bn3")])
def test_a_residual_block_that_adds_nothing_hands_its_input_on(block, last):
    torch.nn.init.zeros_(getattr(block, last).weight)
    x = torch.randn(2, 8 if last == "bn2" else 32, 5, 5)
    assert torch.equal(block.eval()(x), x.relu())


def test_a_dense_block_keeps_all_that_came_before():
    block, x = DenseBlock(4, 3, growth=2).eval(), torch.randn(2, 4, 5, 5)
    y = block(x)
    assert y.shape == (2, 4 + 3 * 2, 5, 5) and torch.equal(y[:, :4], x)


def test_selu_keeps_mean_and_variance_through_depth():
    torch.manual_seed(0)
    net = MLP([256] * 24, "selu").eval()
    y = net(torch.randn(512, 256))  # the last layer has no activation: its input is at SELU's fixed point, mean 0
    assert abs(y.mean()) < 0.1 and abs(y.var() - 1) < 0.2
    torch.manual_seed(0)
    sigmoid = MLP([256] * 24, "sigmoid").eval()
    assert sigmoid(torch.randn(512, 256)).var(0).max() < 1e-3  # every sample gives the same: the signal died


def test_wirings_are_functions_of_their_seed_and_acyclic():
    a, b, other = (small_world(16, 4, 0.75, seed) for seed in (3, 3, 4))
    assert a == b != other
    assert all(j < i for i, inputs in enumerate(a) for j in inputs)
    assert sum(map(len, a)) == 16 * 2  # rewiring moves edges, it neither makes nor loses any


def test_segnet_puts_values_back_where_they_were_found():
    net = SegNet(levels=((2,),), kernel=1, classes=1).eval()
    x = torch.rand(1, 3, 4, 4)
    pooled, where = net.pool(net.encoder[0](x))
    assert torch.equal(net.unpool(pooled, where).flatten(2).gather(2, where.flatten(2)), pooled.flatten(2))
