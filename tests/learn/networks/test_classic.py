"""The documents' networks: parameter counts of the papers and libraries, shapes at the papers' sizes."""

import pytest

torch = pytest.importorskip("torch")

from pellucid.learn.networks.alexnet import AlexNet  # noqa: E402
from pellucid.learn.networks.course_mnist import CourseMNIST  # noqa: E402
from pellucid.learn.networks.densenet import DenseNet  # noqa: E402
from pellucid.learn.networks.googlenet import GoogLeNet  # noqa: E402
from pellucid.learn.networks.lenet import LeNet5  # noqa: E402
from pellucid.learn.networks.perceptron import MLP, Autoencoder  # noqa: E402
from pellucid.learn.networks.random_wired import RandomWired, small_world  # noqa: E402
from pellucid.learn.networks.resnet import ResNet  # noqa: E402
from pellucid.learn.networks.segnet import BASIC, SegNet  # noqa: E402
from pellucid.learn.networks.unet import SlimUNet, UNet  # noqa: E402
from pellucid.learn.networks.vgg import VGG  # noqa: E402

IMAGE = (3, 224, 224)
CASES = [  # what makes it, parameters, input, output
    (lambda: LeNet5(), 61_706, (1, 28, 28), (10,)),
    (lambda: CourseMNIST(), 836_522, (1, 28, 28), (10,)),
    (lambda: AlexNet(), 61_100_840, IMAGE, (1000,)),
    (lambda: AlexNet(two_towers=True), 60_965_224, IMAGE, (1000,)),
    (lambda: VGG("A"), 132_863_336, IMAGE, (1000,)),
    (lambda: VGG("A-LRN"), 132_863_336, IMAGE, (1000,)),
    (lambda: VGG("B"), 133_047_848, IMAGE, (1000,)),
    (lambda: VGG("C"), 133_638_952, IMAGE, (1000,)),
    (lambda: VGG("D"), 138_357_544, IMAGE, (1000,)),
    (lambda: VGG("E"), 143_667_240, IMAGE, (1000,)),
    (lambda: VGG("A", batch_norm=True), 132_868_840, IMAGE, (1000,)),
    (lambda: VGG("E", batch_norm=True), 143_678_248, IMAGE, (1000,)),
    (lambda: GoogLeNet(), 6_624_904, IMAGE, (1000,)),
    (lambda: GoogLeNet(auxiliary=True).eval(), 13_004_888, IMAGE, (1000,)),
    (lambda: ResNet(18), 11_689_512, IMAGE, (1000,)),
    (lambda: ResNet(34), 21_797_672, IMAGE, (1000,)),
    (lambda: ResNet(50), 25_557_032, IMAGE, (1000,)),
    (lambda: ResNet(101), 44_549_160, IMAGE, (1000,)),
    (lambda: ResNet(152), 60_192_808, IMAGE, (1000,)),
    (lambda: DenseNet(121), 7_978_856, IMAGE, (1000,)),
    (lambda: UNet(padding=False), 31_030_658, (1, 572, 572), (2, 388, 388)),
    (lambda: UNet(), 31_030_658, (1, 64, 96), (2, 64, 96)),
    (lambda: SegNet(), None, (3, 64, 96), (11, 64, 96)),
    (lambda: SegNet(levels=BASIC, kernel=7), None, (3, 64, 96), (11, 64, 96)),
    (lambda: SlimUNet(), None, (3, 64, 96), (11, 64, 96)),
    (lambda: RandomWired(), None, (3, 32, 32), (10,)),
    (lambda: MLP([49_152, 9_216, 10]), 453_076_992 + 9_216 + 10, (3, 128, 128), (10,)),  # the fourth document's sum
    (lambda: Autoencoder(), None, (1, 28, 28), (784,)),
]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_parameters_and_shapes(case):
    make, parameters, size, out = CASES[case]
    with torch.device("meta"):  # counts and shapes need no numbers
        net = make()
        assert tuple(net(torch.empty(2, *size)).shape) == (2, *out)
    count = sum(p.numel() for p in net.parameters())
    assert parameters is None or count == parameters
    if isinstance(net, SlimUNet):
        assert count < 2_000_000


def test_a_googlenet_in_training_has_three_heads():
    with torch.device("meta"):
        heads = GoogLeNet(10, auxiliary=True)(torch.empty(2, *IMAGE))
    assert [tuple(head.shape) for head in heads] == [(2, 10)] * 3


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
