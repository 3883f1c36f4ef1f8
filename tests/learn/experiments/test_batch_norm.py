"""Batch norm: networks differ in nothing else, and one sample's own statistics wipe it out. [C11]"""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from pellucid.learn.experiments.batch_norm import Settings, build, one_sample  # noqa: E402


def test_what_differs_is_the_norm():
    settings = Settings(width=7, hidden=2)
    with_it, without = (build(settings, 12, norm, "ReLU", 0.1) for norm in (True, False))
    names = [type(m).__name__ for m in with_it if not isinstance(m, torch.nn.BatchNorm1d)]
    assert names == [type(m).__name__ for m in without] and len(with_it) == len(without) + 2
    assert build(settings, 5000, True, "ReLU", 0.3)[1].weight.std().item() == pytest.approx(0.3, rel=0.05)


def test_a_single_sample_has_no_variance_and_all_answers_are_one():
    torch.manual_seed(0)
    net = build(Settings(width=30), 50, True, "ReLU", None)
    x = torch.randn(300, 50)
    with torch.no_grad():
        net(x)  # statistics to store
        labels = net.eval()(x).argmax(1)
    found = one_sample(net, x, labels)
    assert found["stored statistics"] == 1
    most = labels[:200].bincount().max().item() / 200
    assert found["its own"] <= most  # the same answer whatever the picture
