"""Bicubic enlargement as a convolution is MATLAB's, but at the edge. [A7]"""

import pytest

torch = pytest.importorskip("torch")

import numpy as np  # noqa: E402

from pellucid.learn.layers.interpolation import interpolation  # noqa: E402
from pellucid.resample import imresize  # noqa: E402


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("colours", [1, 3])
def test_inside_it_is_bicubic(scale, colours):
    x = np.random.default_rng(1).random((12, 14, colours)).astype(np.float32)
    layer = interpolation(scale, colours, learned=False)
    with torch.inference_mode():
        y = torch.pixel_shuffle(layer(torch.from_numpy(x).permute(2, 0, 1)[None]), scale)[0].permute(1, 2, 0).numpy()
    inside = slice(3 * scale, -3 * scale)
    np.testing.assert_allclose(y[inside, inside], imresize(x, scale)[inside, inside], atol=1e-6)


def test_edges_are_not_darkened():
    layer = interpolation(3, 1, learned=False)
    with torch.inference_mode():
        np.testing.assert_allclose(layer(torch.ones(1, 1, 6, 6)).numpy(), 1, atol=1e-6)


@pytest.mark.parametrize("learned", [True, False])
def test_it_learns_only_if_asked(learned):
    assert interpolation(2, 3, learned=learned).weight.requires_grad == learned
