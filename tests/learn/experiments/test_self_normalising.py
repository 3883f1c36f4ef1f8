"""SELU's layers hold mean 0 and variance 1; sigmoid's do not. [B12]"""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from pellucid.learn.experiments.self_normalising import KINDS, Deep, Settings  # noqa: E402


@pytest.mark.parametrize("kind", KINDS)
def test_it_has_its_layers_and_their_moments(kind):
    torch.manual_seed(0)
    net = Deep(kind, 200, Settings(depth=12, width=200))
    assert sum(isinstance(m, torch.nn.Linear) for m in net.modules()) == 13
    moments = net.moments(torch.randn(400, 200))
    assert len(moments) == 12
    if kind == "SELU":
        assert all(abs(mean) < 0.15 and 0.7 < variance < 1.4 for mean, variance in moments)
    if kind == "sigmoid":
        assert moments[-1][1] < 0.06
