"""Denoisers that recipes can name: they build, keep the size, learn in every weight, export; the paper's counts."""

import pytest

torch = pytest.importorskip("torch")

import numpy as np  # noqa: E402

import pellucid  # noqa: E402
from pellucid.errors import UsageError  # noqa: E402
from pellucid.learn import accelerate, export  # noqa: E402
from pellucid.learn.networks import DENOISERS, build_network  # noqa: E402
from pellucid.learn.networks.denoiser import DenoiserOptions  # noqa: E402
from pellucid.learn.networks.dncnn import DnCnnOptions  # noqa: E402
from pellucid.learn.recipes import load_recipe, packaged  # noqa: E402
from pellucid.learn.to_runtime.tracing import collapsed  # noqa: E402

SMALL = {"channels": 8, "layers": 3}


def build(name, colours=3):
    torch.manual_seed(1)
    return build_network(name, DENOISERS[name].options(**SMALL, colours=colours)).eval()


@pytest.mark.parametrize("name", DENOISERS)
@pytest.mark.parametrize("colours", [1, 3])
def test_the_result_has_the_size_and_colours_of_the_picture(name, colours):
    network = build(name, colours)
    with torch.inference_mode():
        y = network(torch.rand(2, network.inputs, 18, 20))
    assert y.shape == (2, colours, 18, 20) and torch.isfinite(y).all()
    assert network.inputs == colours + DENOISERS[name].options.takes_level


@pytest.mark.parametrize("name", DENOISERS)
def test_every_weight_learns(name):
    network = build(name).train()
    network(torch.rand(2, network.inputs, 16, 16)).square().mean().backward()
    assert all(w.grad is not None and w.grad.abs().sum() > 0 for w in network.parameters())


@pytest.mark.parametrize("name", DENOISERS)
@pytest.mark.parametrize("colours", [1, 3])
def test_exported_it_gives_the_same_and_odd_sizes_too(name, colours, tmp_path):
    network = build(name, colours)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 2)
    export(network, tmp_path / "model.safetensors", torch.rand(1, network.inputs, 24, 24))
    runtime = pellucid.load(tmp_path / "model.safetensors")
    x = np.random.default_rng(1).random((1, 18, 22, network.inputs), np.float32)
    with torch.inference_mode():
        expected = network(torch.from_numpy(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(runtime.run(x), expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    assert runtime.run(x[:, :17, :21]).shape == (1, 17, 21, colours)


@pytest.mark.parametrize("name", DENOISERS)
def test_on_the_engine_it_is_the_same(name):
    network = build(name).eval()
    x = torch.rand(2, network.inputs, 12, 14)
    with torch.no_grad():
        before = network(x)
        accelerate(network)
        torch.testing.assert_close(network(x), before, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "options", "parameters"),
    [
        ("dncnn", DnCnnOptions(), 556_097),  # the paper's, 17 layers and grey
        ("dncnn", DnCnnOptions(layers=20, colours=3), 669_379),  # its twenty layers for unknown noise and colour
        ("denoiser", DenoiserOptions(8, 2, False), 8 * 145 + 2 * 584 + 12 * 73),
    ],
)
def test_parameters_are_counted(name, options, parameters):
    assert sum(w.numel() for w in build_network(name, options).parameters()) == parameters


def test_our_denoisers_are_light():
    for name in packaged():
        recipe = load_recipe(name)
        if recipe.network.name == "denoiser":
            network = collapsed(build_network("denoiser", recipe.network.settings))  # branches summed, as it ships
            assert sum(w.numel() for w in network.parameters()) <= 700_000


def test_an_untrained_denoiser_gives_back_nearly_what_it_is_shown():
    x = torch.rand(1, 4, 16, 16)
    with torch.inference_mode():
        assert (build("denoiser")(x) - x[:, :3]).abs().mean() < 0.05


@pytest.mark.parametrize(("options", "line"), [(DenoiserOptions, "no such denoiser"), (DnCnnOptions, "no such DnCNN")])
def test_what_is_not_a_denoiser_is_refused(options, line):
    with pytest.raises(UsageError, match=f"{line}; seen: 0 channels, 10 layers"):
        options(0, 10)


@pytest.mark.parametrize(
    ("recipe", "change", "line"),
    [
        ("dncnn", "data.degradation.with_level=true", "the network dncnn does not take the noise's level"),
        ("denoise-grey", "data.degradation=noise", "the network denoiser takes the noise's level"),
    ],
)
def test_network_and_noise_must_agree_about_the_level(recipe, change, line):
    with pytest.raises(UsageError, match=line):
        load_recipe(recipe, [change])
