"""Pictures as batches of tensors: nets without dense layers take any size, and a batch is its pictures one by one.
[A18]"""

import pytest

torch = pytest.importorskip("torch")

from pellucid.learn.networks import build_network  # noqa: E402
from pellucid.learn.networks.course_mnist import CourseMNIST  # noqa: E402
from pellucid.learn.networks.segnet import BASIC, SegNet  # noqa: E402
from pellucid.learn.networks.unet import SlimUNet  # noqa: E402

ANY_SIZE = {
    "segnet-basic": (lambda: SegNet(levels=BASIC, kernel=7), 16, 3),
    "unet-slim": (SlimUNet, 32, 3),
    "chain": (lambda: build_network("chain"), 1, 3),
}


@pytest.mark.parametrize("name", ANY_SIZE)
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 2)], ids=str)
def test_it_takes_any_size_and_a_batch_is_its_pictures(name, size):
    torch.manual_seed(0)
    build, multiple, colours = ANY_SIZE[name]
    network = build().eval()
    side = [max(multiple, 16) * n for n in size]
    x = torch.rand(3, colours, *side)
    with torch.no_grad():
        together = network(x)
        alone = torch.cat([network(x[i : i + 1]) for i in range(3)])
    assert together.shape[0] == 3 and together.shape[2] * side[1] == together.shape[3] * side[0]
    assert torch.allclose(together, alone, atol=1e-5)


def test_a_dense_layer_holds_a_net_to_one_size():
    network = CourseMNIST(width=2).eval()
    assert network(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        network(torch.zeros(2, 1, 32, 32))
