"""A layer that is kept in float32 within a network that computes in bfloat16."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from pellucid.learn.layers.full_precision import in_full_precision  # noqa: E402


def test_under_autocast_it_is_float32():
    layer, x = nn.Conv2d(3, 4, 3), torch.rand(1, 3, 8, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(x).dtype == torch.bfloat16
        kept = in_full_precision(layer, x.to(torch.bfloat16))
    assert kept.dtype == torch.float32
    assert torch.equal(kept, layer(x.to(torch.bfloat16).float()))


def test_elsewhere_it_is_the_layer():
    layer, x = nn.Conv2d(3, 4, 3), torch.rand(1, 3, 8, 8)
    assert torch.equal(in_full_precision(layer, x), layer(x))
