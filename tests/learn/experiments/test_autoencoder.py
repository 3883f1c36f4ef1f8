"""PCA is exact on what has its rank, and a linear autoencoder comes near it but never below. [B9]"""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from pellucid.learn.experiments.autoencoder import Settings, learn, pca  # noqa: E402
from pellucid.learn.networks.perceptron import Autoencoder  # noqa: E402


def test_pca_keeps_what_has_its_rank_and_less_of_the_rest():
    torch.manual_seed(0)
    x = torch.randn(200, 3) @ torch.randn(3, 20) + 5
    assert torch.allclose(pca(x, 3)(x), x, atol=1e-3)
    errors = [((pca(x, rank)(x) - x) ** 2).mean() for rank in (1, 2, 3)]
    assert errors[0] > errors[1] > 100 * errors[2]


def test_a_linear_autoencoder_comes_near_pca_from_above():
    torch.manual_seed(0)
    x = torch.randn(300, 2) @ torch.randn(2, 12) + 0.3 * torch.randn(300, 12)
    x = (x - x.mean(0)) / x.std()
    net = learn(Autoencoder(12, (), 2, "identity"), x, Settings(steps=1000, batch=50), 2e-2)
    best = ((pca(x, 2)(x) - x) ** 2).mean().item()
    assert best <= ((net(x) - x) ** 2).mean().item() < 1.25 * best
