"""PCA and t-SNE: planes and clusters whose answer is known."""

import numpy as np
import pytest

from pellucid.errors import UsageError
from pellucid.inspect.embedding import embedding, pca, similarities, tsne
from tests.inspect.nets import chain, network


def clusters(n=20, d=12, apart=12.0, seed=0):
    random = np.random.default_rng(seed)
    centres = random.normal(size=(3, d))
    centres *= apart / np.linalg.norm(centres, axis=1, keepdims=True)
    return np.repeat(centres, n, axis=0) + random.normal(size=(3 * n, d)), np.repeat(np.arange(3), n)


def test_pca_of_a_plane_keeps_it_all_with_its_distances():
    random = np.random.default_rng(1)
    plane, axes = random.normal(size=(40, 2)) * [5, 1], np.linalg.qr(random.normal(size=(7, 2)))[0]
    found, kept = pca(plane @ axes.T + 3)
    assert kept == pytest.approx(1)
    wanted = np.linalg.norm(plane[:, None] - plane[None], axis=2)
    assert np.allclose(np.linalg.norm(found[:, None] - found[None], axis=2), wanted)


def test_every_row_has_the_perplexity_asked_for():
    p = similarities(clusters()[0], 7.0)
    assert np.allclose(p.sum(axis=1), 1) and not p.diagonal().any()
    assert np.allclose(np.exp(-(p * np.log(np.maximum(p, 1e-300))).sum(axis=1)), 7.0, rtol=1e-6)


def test_clusters_stay_together_and_apart_and_the_answer_is_always_the_same():
    points, labels = clusters()
    y, lost = tsne(points, 10, steps=300)
    distance = np.linalg.norm(y[:, None] - y[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (labels[distance.argmin(axis=1)] == labels).all()
    centres = np.stack([y[labels == i].mean(axis=0) for i in range(3)])
    spread = max(np.linalg.norm(y[labels == i] - centres[i], axis=1).max() for i in range(3))
    apart = min(np.linalg.norm(centres[i] - centres[j]) for i, j in ((0, 1), (0, 2), (1, 2)))
    assert apart > spread and 0 <= lost < 1
    assert np.array_equal(tsne(points, 10, steps=300)[0], y)


def test_pictures_of_two_kinds_are_laid_out_by_a_layer():
    random = np.random.default_rng(2)
    pictures = [(f"{i}", (random.random((12, 12, 1)) * (0.2 if i % 2 else 1)).astype(np.float32)) for i in range(12)]
    found = embedding(network(*chain(depth=2)), "relu1", pictures)
    assert found.names[:2] == ("0", "1") and found.pca.shape == found.tsne.shape == (12, 2)
    assert len({bool(x > 0) for x in found.pca[::2, 0]}) == 1 != found.kept
    with pytest.raises(UsageError, match="cannot be laid out.*seen: 2"):
        embedding(network(*chain(depth=2)), "relu1", pictures[:2])
