"""torchvision's key layout, written down here once more: it is recognised, and each weight finds its place."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from pellucid.learn.inspect import subjects  # noqa: E402
from pellucid.learn.networks.brought import LAYOUTS, load_brought, recognise  # noqa: E402

Shapes = dict[str, tuple[int, ...]]

VGG = {
    "11": "64 M 128 M 256 256 M 512 512 M 512 512 M",
    "13": "64 64 M 128 128 M 256 256 M 512 512 M 512 512 M",
    "16": "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M",
    "19": "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M",
}
RESNET = {"18": (2, 2, 2, 2), "34": (3, 4, 6, 3), "50": (3, 4, 6, 3), "101": (3, 4, 23, 3), "152": (3, 8, 36, 3)}

INCEPTIONS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
"""1x1; bottleneck and 3x3; bottleneck and the other 3x3; after pooling."""


def conv(key: str, out: int, into: int, kernel: int) -> Shapes:
    return {f"{key}.weight": (out, into, kernel, kernel)}


def norm(key: str, channels: int) -> Shapes:
    counter = {f"{key}.num_batches_tracked": ()}
    return {f"{key}.{role}": (channels,) for role in ("weight", "bias", "running_mean", "running_var")} | counter


def dense(key: str, out: int, into: int) -> Shapes:
    return {f"{key}.weight": (out, into), f"{key}.bias": (out,)}


def alexnet(classes: int) -> Shapes:
    kernels = {0: (64, 3, 11), 3: (192, 64, 5), 6: (384, 192, 3), 8: (256, 384, 3), 10: (256, 256, 3)}
    found: Shapes = {}
    for place, (out, into, kernel) in kernels.items():
        found |= conv(f"features.{place}", out, into, kernel) | {f"features.{place}.bias": (out,)}
    for place, out, into in ((1, 4096, 256 * 6 * 6), (4, 4096, 4096), (6, classes, 4096)):
        found |= dense(f"classifier.{place}", out, into)
    return found


def vgg(plan: str, normed: bool, classes: int) -> Shapes:
    found: Shapes = {}
    place, into = 0, 3
    for word in plan.split():
        if word != "M":
            found |= conv(f"features.{place}", int(word), into, 3) | {f"features.{place}.bias": (int(word),)}
            into = int(word)
            if normed:
                place += 1
                found |= norm(f"features.{place}", into)
            place += 1  # the activation
        place += 1
    for place, out, into in ((0, 4096, 512 * 7 * 7), (3, 4096, 4096), (6, classes, 4096)):
        found |= dense(f"classifier.{place}", out, into)
    return found


def normed(key: str, out: int, into: int, kernel: int = 1) -> Shapes:
    return conv(f"{key}.conv", out, into, kernel) | norm(f"{key}.bn", out)


def googlenet(classes: int) -> Shapes:
    """With the two classifiers half way, as the published weights."""
    found = normed("conv1", 64, 3, 7) | normed("conv2", 64, 64) | normed("conv3", 192, 64, 3)
    into = 192
    for name, (a, b1, b, c1, c, d) in INCEPTIONS.items():
        block = f"inception{name}"
        found |= normed(f"{block}.branch1", a, into) | normed(f"{block}.branch4.1", d, into)
        found |= normed(f"{block}.branch2.0", b1, into) | normed(f"{block}.branch2.1", b, b1, 3)
        found |= normed(f"{block}.branch3.0", c1, into) | normed(f"{block}.branch3.1", c, c1, 3)
        into = a + b + c + d
    for name, channels in (("aux1", 512), ("aux2", 528)):
        found |= normed(f"{name}.conv", 128, channels)
        found |= dense(f"{name}.fc1", 1024, 2048) | dense(f"{name}.fc2", classes, 1024)
    return found | dense("fc", classes, into)


def resnet(depth: str, classes: int) -> Shapes:
    bottleneck, into = int(depth) >= 50, 64
    found = conv("conv1", 64, 3, 7) | norm("bn1", 64)
    for stage, blocks in enumerate(RESNET[depth], 1):
        width = 32 << stage
        out = width * (4 if bottleneck else 1)
        for b in range(blocks):
            block = f"layer{stage}.{b}"
            ways = ((width, 1), (width, 3), (out, 1)) if bottleneck else ((width, 3), (out, 3))
            inner = into
            for i, (channels, kernel) in enumerate(ways, 1):
                found |= conv(f"{block}.conv{i}", channels, inner, kernel) | norm(f"{block}.bn{i}", channels)
                inner = channels
            if b == 0 and (stage > 1 or into != out):
                found |= conv(f"{block}.downsample.0", out, into, 1) | norm(f"{block}.downsample.1", out)
            into = out
    return found | dense("fc", classes, into)


def densenet121(classes: int) -> Shapes:
    c = 64
    found = conv("features.conv0", c, 3, 7) | norm("features.norm0", c)
    for block, layers in enumerate((6, 12, 24, 16), 1):
        for i in range(1, layers + 1):
            layer = f"features.denseblock{block}.denselayer{i}"
            found |= norm(f"{layer}.norm1", c) | conv(f"{layer}.conv1", 128, c, 1)
            found |= norm(f"{layer}.norm2", 128) | conv(f"{layer}.conv2", 32, 128, 3)
            c += 32
        if block < 4:
            transition = f"features.transition{block}"
            found |= norm(f"{transition}.norm", c) | conv(f"{transition}.conv", c // 2, c, 1)
            c //= 2
    return found | norm("features.norm5", c) | dense("classifier", classes, c)


def layout(name: str, classes: int) -> Shapes:
    if name.startswith("vgg"):
        depth, _, normed = name.removeprefix("vgg").partition("_")
        return vgg(VGG[depth], bool(normed), classes)
    if name.startswith("resnet"):
        return resnet(name.removeprefix("resnet"), classes)
    return {"alexnet": alexnet, "densenet121": densenet121, "googlenet": googlenet}[name](classes)


def saved(tmp_path, name: str) -> tuple[Path, dict[str, torch.Tensor]]:
    """A file of random weights, and those of them that are not for training alone."""
    torch.manual_seed(0)
    state = {key: torch.rand(shape) for key, shape in layout(name, 5).items()}
    torch.save(state, tmp_path / "weights.pth")
    return tmp_path / "weights.pth", {key: w for key, w in state.items() if not key.startswith("aux")}


@pytest.mark.parametrize("classes", [1000, 7])
@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_is_recognised(name, classes):
    shapes = {key: shape for key, shape in layout(name, classes).items() if not key.startswith("aux")}
    state = {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}
    assert recognise("file", state) == name


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "densenet121", "googlenet"])
def test_random_weights_of_a_layout_find_their_places(tmp_path, name):
    path, state = saved(tmp_path, name)
    found, network = load_brought(path)
    loaded = network.state_dict()
    assert found == name and loaded.keys() == state.keys()
    assert all(torch.equal(loaded[key], state[key]) for key in state if "num_batches" not in key)
    with torch.no_grad():
        assert network(torch.rand(1, 3, 64, 64)).shape == (1, 5)


@pytest.mark.parametrize(("name", "middle", "scale"), [("googlenet", 0.5, 2.0), ("resnet18", 0.485, 1 / 0.229)])
def test_colours_are_prepared_as_the_weights_expect(tmp_path, monkeypatch, name, middle, scale):
    monkeypatch.setattr(subjects, "load_brought", lambda path: (name, torch.nn.Conv2d(3, 4, 1)))
    (tmp_path / "weights.pth").write_bytes(b"as they come")
    first = subjects.open_subject(str(tmp_path / "weights.pth")).graph.nodes[0]
    assert first.name == "normalise"
    assert first.attributes["scale"][0] == pytest.approx(scale)
    assert first.attributes["offset"][0] == pytest.approx(-middle * scale)
