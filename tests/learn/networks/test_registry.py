"""Every network that recipes can name: it builds, runs, keeps its promise about sizes; `test_export` exports it."""

import pytest

torch = pytest.importorskip("torch")

from pellucid.errors import UsageError  # noqa: E402
from pellucid.learn.networks import NETWORKS, build_network, register  # noqa: E402
from pellucid.learn.networks.chain import ChainOptions  # noqa: E402
from pellucid.learn.networks.denoiser import DenoiserOptions  # noqa: E402
from pellucid.learn.networks.espcn import EspcnOptions  # noqa: E402
from pellucid.learn.networks.fsrcnn import FsrcnnOptions  # noqa: E402
from pellucid.learn.networks.plain import PlainOptions  # noqa: E402

SCALES = (1, 2, 3, 4)


def build(name, scale, colours=3):
    torch.manual_seed(1)
    return build_network(name, NETWORKS[name].options(scale=scale, colours=colours)).eval()


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("colours", [1, 3])
def test_the_output_is_scale_times_the_input_but_for_the_margin(name, scale, colours):
    network = build(name, scale, colours)
    with torch.inference_mode():
        y = network(torch.rand(2, colours, 17, 20))
    lost = 2 * network.margin
    assert y.shape == (2, colours, 17 * scale - lost, 20 * scale - lost)
    assert torch.isfinite(y).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_every_weight_learns(name):
    network = build(name, 2).train()
    network(torch.rand(2, 3, 20, 20)).square().mean().backward()
    assert all(w.grad is not None and w.grad.abs().sum() > 0 for w in network.parameters())


@pytest.mark.parametrize(
    ("name", "options", "parameters"),
    [
        ("espcn", EspcnOptions(), 22_729),  # 64 (25 + 1) + 32 (64 9 + 1) + 9 (32 9 + 1)
        ("fsrcnn", FsrcnnOptions(), 12_809),  # the paper's 12,464 weights, and biases and slopes
        ("plain", PlainOptions(scale=1), 114_307),  # 64 (27 + 1) + 3 64 (576 + 1) + 3 (576 + 1)
        ("chain", ChainOptions(channels=8, layers=2), 224 + 2 * 584 + 27 * 73 + 27 * 75),
    ],
)
def test_parameters_are_counted(name, options, parameters):
    assert sum(w.numel() for w in build_network(name, options).parameters()) == parameters


def test_an_untrained_chain_is_nearly_bicubic():
    from pellucid.learn.training.validation import enlarged

    x = torch.rand(1, 3, 20, 20)
    with torch.inference_mode():
        difference = (build("chain", 3)(x) - enlarged(x, 3))[:, :, 9:-9, 9:-9]
    assert difference.abs().mean() < 0.02


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: build_network("chian"), r"unknown network 'chian'.*did you mean 'chain'\?"),
        (lambda: ChainOptions(activation="rleu"), r"unknown activation 'rleu'.*did you mean 'relu'\?"),
        (lambda: DenoiserOptions(activation="prel"), r"unknown activation .prel.*did you mean .prelu.\?"),
        (lambda: ChainOptions(channels=0), "no such chain; seen: 0 channels"),
        (lambda: PlainOptions(layers=0), "no such network; seen: 64 channels, 0 layers"),
    ],
)
def test_what_is_not_a_network_is_refused(make, line):
    with pytest.raises(UsageError, match=line):
        make()


def test_a_name_is_given_once():
    with pytest.raises(ValueError, match="two networks are called 'chain'"):
        register("chain", ChainOptions, lambda options: None)
