"""Every network that has a name, recipes' and documents': exported, the engine gives what torch gives. [B1 to B13]

A new network is tested by its existence. Pictures are as small as the network still makes sense of; weights are drawn
so that signals neither grow nor die on the way, and batch norms have seen something.
"""

import pytest

torch = pytest.importorskip("torch")

import numpy as np  # noqa: E402
from torch import nn  # noqa: E402

import pellucid  # noqa: E402
from pellucid.learn import export  # noqa: E402
from pellucid.learn.networks import all_families, build_network  # noqa: E402
from pellucid.learn.networks.documented import DOCUMENTED, PHOTO  # noqa: E402

LARGEST_SIDE = 96
TOLERANCE = 1e-4
ORDINARY_PHOTO = {"resnet18", "googlenet"}  # of those for photographs the lighter ones; the others are heavy
HEAVY = {name for name, entry in DOCUMENTED.items() if entry.size == PHOTO} - ORDINARY_PHOTO | {"unet", "segnet"}
CASES = [
    *(pytest.param(name, True, marks=[pytest.mark.heavy] if name in HEAVY else [], id=name) for name in DOCUMENTED),
    *(pytest.param(name, False, id=f"{name} of recipes") for name in all_families()),
]


def drawn(module):
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
            if part.bias is not None:
                nn.init.normal_(part.bias, std=0.1)
        elif isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(std=0.1)
            part.running_var.uniform_(0.5, 2)
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias, std=0.1)
    return module.eval()


def built(name, documents):
    """The module and the (c, h, w) of its example."""
    torch.manual_seed(1)
    if documents:
        c, *sides = DOCUMENTED[name].size
        return drawn(DOCUMENTED[name].build()), (c, *(min(side, LARGEST_SIDE) for side in sides))
    module, options = build_network(name), all_families()[name].options()
    side = getattr(options, "side", 32)
    return drawn(module), (getattr(module, "inputs", options.colours), side, side)


@pytest.mark.parametrize(("name", "documents"), CASES)
def test_exported_it_gives_the_same(name, documents, tmp_path):
    module, size = built(name, documents)
    file = export(module, tmp_path / "model.safetensors", torch.rand(1, *size))
    network = pellucid.load(tmp_path / "model.safetensors")
    c, h, w = size
    if not file.graph.size:  # not the size that it was followed on, and no size that the runtime would fill up
        h, w = h + -h % file.graph.multiple, w + -w % file.graph.multiple + file.graph.multiple
    x = np.random.default_rng(1).random((1, h, w, c), np.float32)
    with torch.inference_mode():
        expected = module(torch.from_numpy(x).permute(0, 3, 1, 2))
    expected = (expected if expected.ndim == 4 else expected[:, :, None, None]).permute(0, 2, 3, 1).numpy()
    assert expected.std() > 1e-3 * np.abs(expected).max()  # the input is heard at the output
    y = network.run(x)
    assert y.shape == expected.shape
    np.testing.assert_allclose(y, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())
