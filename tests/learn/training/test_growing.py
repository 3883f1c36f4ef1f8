"""A larger chain that begins with a smaller one's weights is the same function, and learns what it was given more."""

import re
from importlib import resources
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from pellucid.errors import TrainingError  # noqa: E402
from pellucid.learn.networks import build_network  # noqa: E402
from pellucid.learn.recipes import differing_keys, load_recipe, packaged, recipe_from_text  # noqa: E402
from pellucid.learn.training.checkpoints import read_state  # noqa: E402
from pellucid.learn.training.growing import added, growth  # noqa: E402
from pellucid.learn.training.job import _that_fit  # noqa: E402

IDLE = ("body.4.weight",)  # the slope of an activation that follows ReLU's values passed on: nothing is below zero yet
SMALL = ["network.channels=8", "network.layers=2"]


def recipe(name, *changes):
    return load_recipe(name, [*SMALL, *changes])


def trained(network):
    """As after a training: nothing is where it started."""
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.05 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(weight.numel())))
    return network


@pytest.mark.parametrize("name, colours", [("superres-x2", 3), ("denoise-colour", 4)])
@pytest.mark.parametrize("collapsible", ["network.collapsible=true", "network.collapsible=false"])
@pytest.mark.parametrize("activation", ["relu", "prelu"])
@pytest.mark.parametrize(
    "more",
    [
        ["network.turning=false"],
        ["network.activation=prelu"],
        ["network.layers=4"],
        ["network.layers=3", "network.activation=prelu"],
    ],
)
def test_the_first_output_is_the_smaller_networks(name, colours, collapsible, activation, more):
    before = recipe(name, collapsible, f"network.activation={activation}")
    now = recipe(name, collapsible, f"network.activation={activation}", *more)
    small = trained(build_network(before.network.name, before.network.settings))
    weights, new = _that_fit(small.state_dict(), before, now)
    large = build_network(now.network.name, now.network.settings)
    large.load_state_dict(weights)
    assert not new
    x = torch.randn(2, colours, 12, 10)
    torch.testing.assert_close(large(x), small(x))
    large(x).square().mean().backward()
    assert all(weight.grad.abs().max() > 0 for name, weight in large.named_parameters() if name not in IDLE)


def test_added_layers_are_spread():
    assert added(15, 18) == {3, 9, 15}
    assert added(17, 18) == {9}
    assert added(2, 2) == set()
    assert all(len(added(few, many)) == many - few for few in range(1, 20) for many in range(few, 40))


def test_only_more_is_growth():
    few = recipe("superres-x2", "network.activation=relu")
    many = recipe("superres-x2", "network.layers=3", "network.activation=prelu")
    assert growth(few, many) == {"network.layers", "network.activation"}
    assert growth(many, few) == growth(few, few) == set()
    assert growth(few, recipe("superres-x2", "network.activation=relu", "network.turning=false")) == {"network.turning"}
    assert growth(few, load_recipe("denoise-colour", ["network.layers=9"])) == set()
    assert growth(load_recipe("superres", []), load_recipe("superres", [])) == set()


def test_what_fits_nothing_is_refused():
    with pytest.raises(TrainingError, match="no weight of the snapshot fits"):
        _that_fit({"other": torch.zeros(3)}, recipe("superres-x2"), recipe("superres-x2"))


RECIPES = resources.files("pellucid.learn.recipes")
SNAPSHOTS = Path(__file__).parents[3] / "training" / "snapshots"
NAMED = [
    (name, snapshot)
    for name in packaged()
    for snapshot in re.findall(r"--from training/snapshots/([\w-]+\.pt)", (RECIPES / f"{name}.yaml").read_text())
]


@pytest.mark.parametrize("name, snapshot", NAMED)
def test_a_recipe_can_begin_with_the_snapshot_that_it_names(name, snapshot):
    before, recipe = recipe_from_text(read_state(SNAPSHOTS / snapshot)["recipe"]), load_recipe(name)
    asked = {key for key, _, _ in differing_keys(before, recipe) if key.startswith("network.")}
    assert asked <= growth(before, recipe)
