"""torchvision's key layout, written down here once more: it is recognised, and each weight finds its place."""

import pytest

torch = pytest.importorskip("torch")

from pellucid.learn.networks.brought import LAYOUTS, load_brought, recognise  # noqa: E402

Shapes = dict[str, tuple[int, ...]]

VGG = {
    "11": "64 M 128 M 256 256 M 512 512 M 512 512 M",
    "13": "64 64 M 128 128 M 256 256 M 512 512 M 512 512 M",
    "16": "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M",
    "19": "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M",
}
RESNET = {"18": (2, 2, 2, 2), "34": (3, 4, 6, 3), "50": (3, 4, 6, 3), "101": (3, 4, 23, 3), "152": (3, 8, 36, 3)}


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
    return {"alexnet": alexnet, "densenet121": densenet121}[name](classes)


@pytest.mark.parametrize("classes", [1000, 7])
@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_is_recognised(name, classes):
    state = {key: torch.empty(shape, device="meta") for key, shape in layout(name, classes).items()}
    assert recognise("file", state) == name


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "densenet121"])
def test_random_weights_of_a_layout_find_their_places(tmp_path, name):
    torch.manual_seed(0)
    state = {key: torch.rand(shape) for key, shape in layout(name, 5).items()}
    torch.save(state, tmp_path / "weights.pth")
    found, network = load_brought(tmp_path / "weights.pth")
    loaded = network.state_dict()
    assert found == name and loaded.keys() == state.keys()
    assert all(torch.equal(loaded[key], state[key]) for key in state if "num_batches" not in key)
    with torch.no_grad():
        assert network(torch.rand(1, 3, 64, 64)).shape == (1, 5)
