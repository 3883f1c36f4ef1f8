"""Non-local means: equal to its definition, and it removes noise."""

import json

import numpy as np
import pytest

from pellucid import cli
from pellucid.metrics import psnr
from pellucid.picture import Picture, write
from pellucid.tasks.non_local_means import PATCH, REACH, SOFTNESS, non_local_means


def by_definition(x: np.ndarray, sigma: float) -> np.ndarray:
    h, w, _ = x.shape
    edge = PATCH + REACH
    wide = np.pad(x.astype(np.float64), ((edge, edge), (edge, edge), (0, 0)), mode="symmetric")

    def patch(y, x):
        return wide[y - PATCH : y + PATCH + 1, x - PATCH : x + PATCH + 1]

    clean = np.empty(x.shape)
    for y in range(edge, edge + h):
        for column in range(edge, edge + w):
            total, weights = np.zeros(x.shape[2]), 0.0
            for dy in range(-REACH, REACH + 1):
                for dx in range(-REACH, REACH + 1):
                    distance = ((patch(y, column) - patch(y + dy, column + dx)) ** 2).mean()
                    excess = max(distance - 2 * sigma**2, 0) if dy or dx else 0
                    weight = np.exp(-excess / (SOFTNESS * sigma) ** 2)
                    total, weights = total + weight * wide[y + dy, column + dx], weights + weight
            clean[y - edge, column - edge] = total / weights
    return clean


@pytest.mark.parametrize("c", [1, 3])
def test_it_is_its_definition(c):
    x = np.random.default_rng(1).random((9, 7, c), np.float32)
    np.testing.assert_allclose(non_local_means(x, 0.2), by_definition(x, 0.2), rtol=0, atol=1e-5)


def test_noise_goes_and_edges_stay():
    clean = np.zeros((40, 50, 1), np.float32)
    clean[:, 25:] = 0.8
    noisy = clean + np.random.default_rng(0).normal(0, 0.1, clean.shape).astype(np.float32)
    assert psnr(non_local_means(noisy, 0.1), clean, border=0, peak=1) > psnr(noisy, clean, border=0, peak=1) + 8


def test_without_noise_nothing_changes():
    x = np.random.default_rng(1).random((8, 8, 3), np.float32)
    np.testing.assert_array_equal(non_local_means(x, 0), x)


def test_it_is_measured_as_a_model_is(tmp_path, capsys):
    pixels = np.full((24, 24, 1), 90, np.uint8)
    write(tmp_path / "flat.png", Picture(pixels))
    assert cli.run(["evaluate", "non-local-means", "--data", str(tmp_path), "--sigma", "25", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["mean_psnr"] > found["noisy"]["mean_psnr"] + 8
    assert cli.run(["evaluate", "non-local-means", "--data", str(tmp_path), "--scale", "2"]) == 2
    assert "enlarges nothing" in capsys.readouterr().err
