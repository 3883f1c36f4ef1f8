"""Multiply-adds of networks, against the documents' sum and by hand. [C7]"""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from pellucid.learn.training.sums import layer_sums, measured_peak, multiply_adds  # noqa: E402


def test_the_first_documents_sum():
    """Five 3x3 layers of 64 channels over 64 x 64 pixels: 1.5 GFLOP, to the operation 1,509,949,440."""
    network = nn.Sequential(*(nn.Conv2d(64, 64, 3, padding=1) for _ in range(5)))
    assert 2 * multiply_adds(network, torch.zeros(1, 64, 64, 64)) == 1_509_949_440


@pytest.mark.parametrize(
    ("layer", "shape", "sums"),
    [
        (nn.Conv2d(4, 6, 3), (1, 4, 8, 8), 6 * 6 * 6 * 4 * 9),
        (nn.Conv2d(4, 6, 3, stride=2, padding=1), (2, 4, 8, 8), 2 * 4 * 4 * 6 * 4 * 9),
        (nn.Conv2d(4, 8, 3, groups=4), (1, 4, 5, 5), 3 * 3 * 8 * 1 * 9),
        (nn.Conv1d(2, 3, 5), (1, 2, 9), 5 * 3 * 2 * 5),
        (nn.Conv3d(2, 3, 2), (1, 2, 3, 3, 3), 8 * 3 * 2 * 8),
        (nn.ConvTranspose2d(4, 3, 9, 3, padding=4), (1, 4, 5, 5), 25 * 4 * 3 * 81),
        (nn.Linear(10, 7), (3, 10), 3 * 70),
        (nn.PReLU(4), (1, 4, 8, 8), 0),
    ],
)
def test_by_hand(layer, shape, sums):
    assert multiply_adds(layer, torch.zeros(shape)) == sums


def test_the_table_and_what_it_leaves_behind():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).train()
    table = layer_sums(network, torch.ones(1, 3, 6, 6))
    assert [(row.name, row.kind, row.parameters) for row in table] == [("0", "Conv2d", 112), ("1", "BatchNorm2d", 8)]
    assert network.training and network[1].num_batches_tracked == 0
    assert not any(layer._forward_hooks for layer in network.modules())


def test_a_peak_is_measured():
    assert measured_peak(torch.float32, torch.device("cpu"), n=64, repeats=2) > 1e6
