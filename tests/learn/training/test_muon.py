"""Muon: held to the singular value decomposition it stands for, to its own formula, and to what the trainer asks."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from pellucid.errors import TrainingError  # noqa: E402
from pellucid.learn.training.muon import LIKE_ADAM, MOMENTUM, Muon, hidden_kernels, orthogonal  # noqa: E402


@pytest.mark.parametrize("shape", [(2, 8, 72), (1, 5, 5), (3, 1, 9), (2, 64, 64)])
def test_singular_vectors_stay_and_values_come_near_one(shape):
    matrices = np.random.default_rng(1).standard_normal(shape)
    u, values, v = np.linalg.svd(matrices, full_matrices=False)
    found = u.mT @ orthogonal(torch.from_numpy(matrices)).numpy() @ v.mT
    diagonal = np.einsum("nii->ni", found)
    strong = values > 0.01 * values.max()
    assert diagonal[strong].min() > 0.6 and diagonal.max() < 1.25
    assert abs(found - diagonal[..., None] * np.eye(diagonal.shape[1])).max() < 1e-6


def test_a_matrix_of_zeros_stays():
    assert not orthogonal(torch.zeros(1, 3, 9)).any()


def test_steps_follow_the_formula():
    """Two steps of kernels of two sizes, with gradients that are shortened."""
    torch.manual_seed(3)
    kernels = [nn.Parameter(torch.randn(c, c, 3, 3)) for c in (4, 6, 4)]
    expected, sums = [k.detach().clone() for k in kernels], [torch.zeros_like(k) for k in kernels]
    muon = Muon(kernels, rate=0.1, boost=2)
    for _ in range(2):
        for i, kernel in enumerate(kernels):
            kernel.grad = torch.randn_like(kernel)
            sums[i] = MOMENTUM * sums[i] + 0.5 * kernel.grad
            direction = orthogonal((0.5 * kernel.grad + MOMENTUM * sums[i]).reshape(1, len(kernel), -1))
            step = 0.1 * 2 * LIKE_ADAM * (9 * len(kernel)) ** 0.5
            expected[i] = expected[i] - step * direction.reshape(kernel.shape)
        muon.step(gradient_factor=0.5)
    for kernel, value in zip(kernels, expected, strict=True):
        torch.testing.assert_close(kernel.detach(), value, rtol=1e-5, atol=1e-5)


def test_averages_follow_the_kernels_that_it_moves():
    kernel, still, other = (nn.Parameter(torch.randn(2, 2, 3, 3)) for _ in range(3))
    averages = {p: p.detach().clone() for p in (kernel, still, other)}
    before = {p: average.clone() for p, average in averages.items()}
    kernel.grad = other.grad = torch.ones_like(kernel)
    Muon([kernel, still], 0.1, 1).step(averages=averages, toward=0.25)
    torch.testing.assert_close(averages[kernel], 0.75 * before[kernel] + 0.25 * kernel.detach())
    assert torch.equal(averages[still], before[still]) and torch.equal(averages[other], before[other])


def test_an_average_follows_only_in_steps_that_move_its_kernel():
    """In the others it is moved by whoever moves what no optimiser moves, and twice would be too far."""
    kernel = nn.Parameter(torch.randn(2, 2, 3, 3))
    muon, average = Muon([kernel], 0.1, 1), torch.zeros(2, 2, 3, 3)
    kernel.grad = torch.ones_like(kernel)
    muon.step()
    kernel.grad = None
    muon.step(averages={kernel: average}, toward=0.25)
    assert not average.any()


def test_a_closure_is_refused():
    with pytest.raises(TrainingError, match="Muon calls no closure"):
        Muon([nn.Parameter(torch.zeros(2, 2, 3, 3))], 0.1, 1).step(lambda: 0.0)


def test_it_takes_hidden_kernels_and_nothing_else():
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 12, 3), nn.Linear(8, 8))
    network.append(nn.Conv2d(4, 4, 1)).requires_grad_(True)
    network[4].weight.requires_grad_(False)
    assert [id(k) for k in hidden_kernels(network)] == [id(network[1].weight)]
