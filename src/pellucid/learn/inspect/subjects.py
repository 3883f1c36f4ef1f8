"""Whatever a user names, as a network that the engine runs: a model, a run, a network with random weights, or weights
that others trained. One door for every command that looks inside; it trains and writes nothing.
"""

from __future__ import annotations

import os
from dataclasses import replace

import torch
from torch import nn

from pellucid import models
from pellucid.card import Card
from pellucid.errors import GraphError, ModelFileError, unknown_name
from pellucid.graph import INPUT, Graph, Node
from pellucid.learn.networks import all_families, build_network
from pellucid.learn.networks.brought import load_brought, preparation
from pellucid.learn.networks.documented import DOCUMENTED, PHOTO
from pellucid.learn.to_runtime.checking import MULTIPLES
from pellucid.learn.to_runtime.export import to_graph
from pellucid.modelfile import ModelFile
from pellucid.network import Network, load

Colours = tuple[float, ...]
"""A number for each colour."""

SIDE = 64
"""Of the example that a network is followed on where it takes pictures of any size."""


def open_subject(name: str, seed: int = 0) -> Network:
    """A model by name or file, a run by its folder, a network of `pellucid networks`, or weights in torchvision's
    layout. Random weights are drawn from `seed`."""
    if name in models.names():
        return load(name)
    if os.path.isdir(name):
        return _run(name)
    if os.path.isfile(name):
        return _file(name)
    if name in DOCUMENTED or name in all_families():
        return _random(name, seed)
    raise unknown_name("model, run or network", name, [*models.names(), *DOCUMENTED, *all_families()])


def _run(path: str) -> Network:
    from pellucid.learn.recipes.recipe import colours_of
    from pellucid.learn.to_runtime.run import card_of
    from pellucid.learn.training.load import load_run

    module, recipe = load_run(path)
    side = getattr(recipe.network.settings, "side", SIDE)
    channels = getattr(module, "inputs", colours_of(recipe.data.channels))
    return in_memory(os.path.basename(os.path.normpath(path)), module, (channels, side, side), card_of(recipe))


def _file(path: str) -> Network:
    """A model file; where it is none, a training state or brought weights."""
    from pellucid.learn.training.checkpoints import FORMAT

    with open(path, "rb") as file:
        if file.read(len(FORMAT)) == FORMAT:
            return _run(path)
    if not path.endswith(models.SUFFIX):
        return _brought(path)
    try:
        return load(path)
    except ModelFileError:
        try:
            return _brought(path)
        except ModelFileError:
            pass
        raise


def _brought(path: str) -> Network:
    name, module = load_brought(path)
    purpose = f"{name} with weights from {os.path.basename(path)}, in torchvision's layout"
    return in_memory(name, module, PHOTO, Card(purpose=purpose), prepared=preparation(name))


def _random(name: str, seed: int) -> Network:
    torch.manual_seed(seed)
    card = Card(purpose=f"nothing yet: {name} with random weights")
    if name in DOCUMENTED:
        return in_memory(name, DOCUMENTED[name].build().eval(), DOCUMENTED[name].size, card)
    module = build_network(name).eval()
    first = next(p.shape[1] for p in module.parameters() if p.ndim == 4)
    side = getattr(all_families()[name].options(), "side", SIDE)
    return in_memory(name, module, (getattr(module, "inputs", first), side, side), card)


def in_memory(
    name: str,
    module: nn.Module,
    size: tuple[int, int, int],
    card: Card,
    *,
    prepared: tuple[Colours, Colours] | None = None,
) -> Network:
    """A module as a network, without a file. `size` is (c, h, w) of an input; one that expects colours to be `prepared`
    gets a layer in front that does it."""
    module = module.eval()
    graph, weights = to_graph(module, torch.zeros(1, *size))
    if prepared:
        graph = _with_normalisation(graph, *prepared)
    net = Network(ModelFile(graph, weights, card), name)
    if graph.size is None:
        net.graph = replace(graph, multiple=_multiple(net, size))  # before anybody has run it
    return net


def _multiple(net: Network, size: tuple[int, int, int]) -> int:
    """The first number whose odd multiples fit all joins of the graph: shapes are asked, nothing is computed."""
    for multiple in MULTIPLES:
        sides = [-(-side // multiple) // 2 * 2 + 1 for side in size[1:]]
        try:
            net.output_shape(sides[0] * multiple, (sides[1] + 2) * multiple)
            return multiple
        except GraphError:
            continue
    return 1


def _with_normalisation(graph: Graph, means: Colours, deviations: Colours) -> Graph:
    scale = tuple(1 / deviation for deviation in deviations)
    offset = tuple(-mean / deviation for mean, deviation in zip(means, deviations, strict=True))
    first = Node("normalise", "affine", (INPUT,), {"scale": scale, "offset": offset})
    rest = (replace(n, inputs=tuple("normalise" if i == INPUT else i for i in n.inputs)) for n in graph.nodes)
    return replace(graph, nodes=(first, *rest))
