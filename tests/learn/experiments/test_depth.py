"""Chains have the layers they say; with their weights at 0 residual ones are the identity, plain ones nothing. [C11]"""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from pellucid.learn.experiments.depth import Block, chain  # noqa: E402
from tests.learn.experiments.small import small  # noqa: E402


@pytest.mark.parametrize("depth", [2, 10])
def test_the_two_kinds_have_the_same_layers(depth):
    plain, residual = chain(depth, 4, False), chain(depth, 4, True)
    assert [p.shape for p in plain.parameters()] == [p.shape for p in residual.parameters()]
    assert sum(isinstance(m, torch.nn.Conv2d) for m in plain.modules()) == depth + 1


def test_the_identity_is_free_with_a_way_around():
    x = torch.rand(2, 4, 6, 6)
    for around in (True, False):
        block = Block(4, around).eval()
        torch.nn.init.zeros_(block.layers[3].weight)
        assert torch.equal(block(x), x if around else 0 * x)


def test_both_kinds_are_measured_at_every_depth():
    figures = small("depth").figures
    assert set(figures) == {"plain", "residual"} and all(set(found) == {"2", "4"} for found in figures.values())
