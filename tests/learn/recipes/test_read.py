"""Recipes: all that ship load, and what cannot be meant is refused with the nearest that can."""

import dataclasses

import pytest

pytest.importorskip("torch")

from pellucid.errors import UsageError  # noqa: E402
from pellucid.learn.networks import build_network  # noqa: E402
from pellucid.learn.recipes import (  # noqa: E402
    differing_keys,
    load_recipe,
    packaged,
    recipe_from_text,
    recipe_to_text,
)

SMALLEST = "task: superres\nsteps: 10\nnetwork: plain\n"


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(SMALLEST)
    return path


@pytest.mark.parametrize("name", packaged())
def test_a_recipe_that_ships_loads_and_returns_from_text(name):
    recipe = load_recipe(name)
    assert recipe.about and recipe.steps > 0
    assert recipe_from_text(recipe_to_text(recipe)) == recipe
    assert differing_keys(recipe, recipe) == []
    build_network(recipe.network.name, recipe.network.settings)


def test_the_issues_commands_are_there():
    assert {"identity", "superres"} <= set(packaged())


def test_what_is_stated_once_reaches_every_part(small):
    recipe = load_recipe(small, ["scale=4", "data.channels=luma", "data.degradation=bicubic"])
    assert recipe.network.settings.scale == recipe.data.degradation.settings.scale == 4
    assert recipe.network.settings.colours == 1


def test_changes_go_down_by_dots(small):
    recipe = load_recipe(small, ["network.channels=8", "loss=charbonnier", "loss.epsilon=1e-4", "optimiser.rate=1e-3"])
    assert recipe.network.settings.channels == 8
    assert recipe.loss.name == "charbonnier" and recipe.loss.settings.epsilon == 1e-4
    assert recipe.optimiser.rate == 1e-3  # which YAML takes for a text
    assert dataclasses.replace(recipe, steps=11).steps == 11


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("stepps=3", r"unknown key in the recipe: 'stepps'.*steps.*did you mean 'steps'\?"),
        ("optimiser.rat=3", r"unknown key in optimiser: 'rat'.*did you mean 'rate'\?"),
        ("network.chanels=3", r"unknown key in network: 'chanels'.*did you mean 'channels'\?"),
        ("network=plane", r"unknown network 'plane'.*did you mean 'plain'\?"),
        ("loss=mes", r"unknown loss 'mes'; expected: one of charbonnier, .*l1, .*mse.*did you mean 'mse'\?"),
        ("data.degradation=bicubik", r"unknown data.degradation 'bicubik'.*did you mean 'bicubic'\?"),
        ("steps=many", r"recipe: steps has the wrong type; seen: 'many'; expected: a whole number"),
        ("steps=1.5", r"recipe: steps has the wrong type; seen: 1.5"),
        ("steps=true", r"recipe: steps has the wrong type"),
        ("steps=0", r"recipe: steps is too small; seen: 0; expected: 1 or more"),
        ("optimiser.rate=nan", r"recipe: optimiser.rate has the wrong type"),
        ("average=1", r"recipe: average is out of range; seen: 1.0"),
        ("optimiser=3", r"recipe: optimiser is wrong; seen: 3; expected: keys and values"),
        ("network.scale=2", r"recipe: network.scale is stated elsewhere; seen: 2; hint: set `scale`"),
        ("scale=2", r"recipe: scale is 2, but the degradation 'identity' does not shrink"),
        ("precision", r"a change to the recipe cannot be read; seen: precision; expected: key=value"),
    ],
)
def test_what_cannot_be_meant_is_refused(small, change, line):
    with pytest.raises(UsageError, match=line):
        load_recipe(small, [change])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("steps: 10\nnetwork: plain\n", r"the recipe is not complete; seen: no task"),
        ("task: x\nsteps: 10\n", r"recipe: network has no name"),
        ("- 1\n- 2\n", r"is not a recipe; seen: list"),
        ("task: [", r"is not YAML"),
        (SMALLEST + "stpes: 3\n", r"unknown key in the recipe: 'stpes'"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(tmp_path, text, line):
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=line):
        load_recipe(path)


def test_a_name_that_nobody_knows():
    with pytest.raises(UsageError, match=r"unknown recipe 'identiy'.*did you mean 'identity'\?"):
        load_recipe("identiy")
    with pytest.raises(UsageError, match=r"the recipe cannot be read; seen: absent.yaml: .*No such file"):
        load_recipe("absent.yaml")


def test_only_what_changes_weights_differs(small):
    one = load_recipe(small)
    assert differing_keys(one, load_recipe(small, ["log_every=3", "about=x", "validation.every=7"])) == []
    assert differing_keys(one, load_recipe(small, ["network.channels=8", "steps=11"])) == [
        ("steps", 10, 11),
        ("network.channels", 64, 8),
    ]
