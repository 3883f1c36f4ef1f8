"""What is frozen stays, what is replaced is new, and claims follow from figures. [C10]"""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from torch import nn  # noqa: E402

from pellucid.learn.experiments import transfer  # noqa: E402
from pellucid.learn.experiments.digits import Digits  # noqa: E402
from pellucid.learn.experiments.transfer import HEAD, LAYERS, Settings, some_of, transferred, with_fresh  # noqa: E402
from pellucid.learn.networks.lenet import LeNet5  # noqa: E402

TINY = Settings(steps=3, batch=4, curve=1)


def weights(net):
    return [layer.weight.clone() for layer in net.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]


@pytest.fixture
def learned():
    torch.manual_seed(7)
    return LeNet5(5, modern=True)


@pytest.fixture
def data():
    x, labels = torch.randn(40, 1, 28, 28), torch.arange(40) % 5
    return Digits(x, labels, x[:10], labels[:10])


@pytest.mark.parametrize("k", range(1, LAYERS + 1))
def test_the_last_layers_are_new_and_the_others_are_copies(learned, k):
    net, layers = with_fresh(learned, k, 3)
    assert len(layers) == LAYERS
    same = [torch.equal(a, b) for a, b in zip(weights(net), weights(learned), strict=True)]
    assert same == [True] * (LAYERS - k) + [False] * k
    assert all(map(torch.equal, weights(net), weights(with_fresh(learned, k, 3)[0])))


def test_frozen_layers_do_not_move_and_later_all_but_the_first_do(learned, data, monkeypatch):
    seen = []
    fit = transfer.fit

    def watched(net, *rest):
        before = weights(net)
        result = fit(net, *rest)
        seen.append([torch.equal(a, b) for a, b in zip(before, weights(net), strict=True)])
        return result

    monkeypatch.setattr(transfer, "fit", watched)
    before = weights(learned)
    transferred(learned, HEAD, data, TINY)
    assert seen == [[True, True, False, False, False], [True, False, False, False, False]]
    transferred(learned, LAYERS, data, TINY)
    assert seen[2:] == [[False] * LAYERS] * 2
    assert all(map(torch.equal, before, weights(learned)))  # the next draw begins where this one did


def test_what_is_unfrozen_learns_on_with_a_tenth_of_the_rate(learned, data, monkeypatch):
    rates = []
    monkeypatch.setattr(transfer, "_fit", lambda net, data, settings, rate, *rest: rates.append(rate) or 0.5)
    transferred(learned, HEAD, data, TINY)
    transferred(learned, LAYERS, data, TINY)
    assert rates == pytest.approx([TINY.rate, TINY.rate / 10, TINY.rate, TINY.rate])


def test_few_pictures_of_every_class_and_others_for_every_seed(data):
    few = some_of(data, 3, 1)
    assert few.labels.bincount().tolist() == [3] * 5 and few.unseen_x is data.unseen_x
    assert torch.equal(few.x, some_of(data, 3, 1).x) and not torch.equal(few.x, some_of(data, 3, 2).x)
    assert all(
        (data.x[data.labels == label] == x).flatten(1).all(1).any() for x, label in zip(few.x, few.labels, strict=True)
    )


def test_claims_turn_with_the_figures():
    scratch, frozen, tuned, rough = transfer.WAYS
    good = {scratch: [0.6, 0.98], frozen: [0.8, 0.9], tuned: [0.9, 0.985], rough: [0.85, 0.99]}
    bad = {scratch: [0.9, 0.9], frozen: [0.8, 0.9], tuned: [0.7, 0.985], rough: [0.85, 0.99]}
    settings = Settings(pictures=(10, 1000))
    more = {"10": [0.5, 0.9, 0.8, 0.7, 0.6], "1000": [0.5, 0.6, 0.7, 0.9, 0.8]}
    fewer = {"10": more["1000"], "1000": more["10"]}
    assert [claim.agrees for claim in transfer._claims(settings, good, more)] == [True] * 5
    assert [claim.agrees for claim in transfer._claims(settings, bad, fewer)] == [False] * 5
