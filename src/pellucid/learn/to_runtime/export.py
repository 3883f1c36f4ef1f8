"""`export()`: a torch module as a model file, compared with torch before the file gets its name."""

from __future__ import annotations

import os

import numpy as np
import torch
from torch import nn

from pellucid.card import Card
from pellucid.errors import GraphError, UsageError
from pellucid.graph import Graph
from pellucid.learn.to_runtime.building import Builder
from pellucid.learn.to_runtime.checking import TOLERANCE, check, find_multiple
from pellucid.learn.to_runtime.conditions import Condition, check_conditions, conditions_of
from pellucid.learn.to_runtime.folding import fold
from pellucid.learn.to_runtime.tracing import collapsed, trace
from pellucid.learn.to_runtime.translating import translate
from pellucid.modelfile import ModelFile, load, save
from pellucid.network import Network

HALF_TOLERANCE = 1e-2
"""What rounding the weights to float16 may change, relative to the largest output."""


def export(
    module: nn.Module,
    path: str | os.PathLike[str],
    example: torch.Tensor,
    card: Card | None = None,
    *,
    half: bool = False,
) -> ModelFile:
    """Writes `module` as a model file and returns what the file holds.

    `example` is an input (1, c, h, w), its h and w large enough for the network; other sizes will do later unless the
    module itself fixes them. Blocks that offer `collapsed() -> nn.Module` are collapsed first, on a copy. The written
    file is run on random input of several sizes and compared with torch; only then it gets its name.
    """
    path = os.fspath(path)
    if os.path.isdir(path) or not path or not os.path.isdir(os.path.dirname(path) or "."):
        expected = "the name of a file, in a folder that is there"
        raise UsageError("the model file cannot be written", seen=repr(path), expected=expected)
    plain = collapsed(module)
    graph, weights, conditions = _convert(plain, example)
    file = ModelFile(graph, weights, card or Card())
    graph = _agreeing(plain, Network(file), example, conditions).graph
    unchecked = f"{path}.{os.getpid()}.unchecked"
    try:
        save(unchecked, graph, weights, file.card, half=half)
        written = load(unchecked)
        m = written.graph.multiple
        size = (-(-example.shape[2] // m) * m, -(-example.shape[3] // m) * m)
        check(plain, Network(written), [size], HALF_TOLERANCE if half else TOLERANCE)
        os.replace(unchecked, path)
    finally:
        if os.path.exists(unchecked):
            os.unlink(unchecked)
    return written


def to_graph(module: nn.Module, example: torch.Tensor) -> tuple[Graph, dict[str, np.ndarray]]:
    """The graph and weights of a module, unchecked and without a file."""
    return _convert(collapsed(module), example)[:2]


def _agreeing(module: nn.Module, network: Network, example: torch.Tensor, conditions: list[Condition]) -> Network:
    """The network with its multiple, once the runtime agrees with torch at every size tried."""
    try:
        found = find_multiple(module, network, example)
    except GraphError:  # if the module itself goes another way there, its line tells more
        check_conditions(module, network, example, [condition for condition in conditions if condition.own])
        raise
    check_conditions(module, found, example, conditions)
    return found


def _convert(module: nn.Module, example: torch.Tensor) -> tuple[Graph, dict[str, np.ndarray], list[Condition]]:
    if not isinstance(example, torch.Tensor) or example.ndim != 4 or len(example) != 1 or not example.numel():
        seen = tuple(example.shape) if isinstance(example, torch.Tensor) else type(example).__name__
        raise UsageError("the example is no picture", seen=seen, expected="a tensor (1, c, h, w)")
    if 1 in example.shape[2:]:  # it would be the only size: torch.export takes a 1 for fixed
        size = f"{example.shape[2]} x {example.shape[3]}"
        raise UsageError("the example is too small", seen=size, expected="height and width of at least 2")
    program = trace(module, example.detach().float().cpu())
    builder = Builder()
    output = translate(program, module, builder)
    return *fold(builder, output), conditions_of(program)
