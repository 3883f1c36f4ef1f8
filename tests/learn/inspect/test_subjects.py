"""Whatever a user names is opened: models, networks with random weights, weights in torchvision's layout."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from pellucid.errors import ModelFileError, UsageError  # noqa: E402
from pellucid.learn.inspect.subjects import open_subject  # noqa: E402
from pellucid.learn.networks.brought import DEVIATION, MEAN, load_brought, recognise  # noqa: E402
from pellucid.learn.networks.documented import documented  # noqa: E402
from tests.small_models import superres_model  # noqa: E402


def test_names_and_files(tmp_path):
    assert open_subject(str(superres_model(tmp_path / "small.safetensors"))).name == "small"
    net = open_subject("lenet5")
    assert net.graph.size == (28, 28) and np.array_equal(
        net.weights["features.0.weight"], open_subject("lenet5").weights["features.0.weight"]
    )
    with pytest.raises(UsageError, match="unknown model, run or network 'lenet6'.*did you mean 'lenet5'"):
        open_subject("lenet6")


def test_a_network_with_joins_says_what_sizes_must_be_multiples_of():
    net = open_subject("unet-slim")
    assert net.graph.multiple == 32 and net.output_shape(70, 50)[:2] == (70, 50)


def saved(tmp_path, state, name="weights.pth"):
    path = tmp_path / name
    if name.endswith(".pth"):
        torch.save(state, path)
    else:
        from safetensors.torch import save_file

        save_file({key: value.contiguous() for key, value in state.items()}, path)
    return path


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_resnet_of_other_classes_is_recognised_by_its_layout(tmp_path, suffix):
    torch.manual_seed(0)
    module = documented("resnet18").build(classes=7).eval()
    state = {f"module.{key}": value for key, value in module.state_dict().items() if "num_batches" not in key}
    name, loaded = load_brought(saved(tmp_path, state, f"mine{suffix}"))
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert name == "resnet18" and torch.allclose(loaded(x), module(x), atol=1e-5)


def test_the_features_of_a_vgg_run_with_their_normalisation(tmp_path):
    torch.manual_seed(0)
    features = documented("vgg-a").build().features
    path = saved(tmp_path, {f"features.{key}": value for key, value in features.state_dict().items()})
    net = open_subject(str(path))
    x = torch.rand(1, 3, 40, 48)
    mean, deviation = (torch.tensor(values)[:, None, None] for values in (MEAN, DEVIATION))
    with torch.no_grad():
        wanted = features((x - mean) / deviation).numpy().transpose(0, 2, 3, 1)
    got = net.run(x.numpy().transpose(0, 2, 3, 1).copy(), "fp32")
    assert net.name == "vgg11" and np.abs(got - wanted).max() < 1e-4 * np.abs(wanted).max()


def test_foreign_files_are_refused_in_one_line(tmp_path):
    with pytest.raises(ModelFileError, match="layout of no known network.*vgg16"):
        recognise("x.pth", {"layer.weight": torch.zeros(3)})
    with pytest.raises(ModelFileError, match="something else than weights"):
        load_brought(saved(tmp_path, {"epoch": 3}))
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(ModelFileError, match="cannot be read"):
        open_subject(str(tmp_path / "text.pth"))
