"""Connections and linearity of each kind of layer are those of its matrix. [B1]"""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from pellucid.learn.experiments.layer_kinds import derivative, kinds  # noqa: E402
from tests.learn.experiments.small import small  # noqa: E402


def test_matrices_of_linear_kinds_are_the_kinds():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=9), rng.normal(size=9)
    for name, kind in kinds(rng).items():
        same = np.allclose(derivative(kind, y) @ x, kind.apply(x), atol=1e-6)
        assert same == (name not in ("max pooling", "ReLU")), name


def test_figures():
    figures = small("layer-kinds").figures
    assert {name: f["connections"] for name, f in figures.items()} == {
        "dense": 81, "locally connected": 21, "convolution": 21, "convolution, stride 2": 12, "mean pooling": 9,
        "max pooling": 9, "ReLU": 9,
    }  # fmt: skip
    assert [name for name, f in figures.items() if not f["linear"]] == ["max pooling", "ReLU"]
    assert figures["convolution"]["weights"] == 3
