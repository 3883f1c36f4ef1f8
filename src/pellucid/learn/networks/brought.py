"""Weights that others trained, in torchvision's layout: AlexNet, VGG, GoogLeNet, ResNet, DenseNet [B3 to B7].

The layout is the key map: our modules bear torchvision's names, so a file is recognised by its keys and shapes and
loaded as it is. Files are safetensors, or torch's own read with `weights_only`: nothing in them is ever run. The
classes may be of any number, and VGG and AlexNet may come without their dense layers, which hold most of the bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pellucid.errors import ModelFileError
from pellucid.learn.networks.documented import DOCUMENTED

LAYOUTS = {
    "alexnet": "alexnet",
    "vgg11": "vgg-a",
    "vgg13": "vgg-b",
    "vgg16": "vgg-d",
    "vgg19": "vgg-e",
    "vgg11_bn": "vgg-a-norm",
    "vgg13_bn": "vgg-b-norm",
    "vgg16_bn": "vgg-d-norm",
    "vgg19_bn": "vgg-e-norm",
    "googlenet": "googlenet",
    "resnet18": "resnet18",
    "resnet34": "resnet34",
    "resnet50": "resnet50",
    "resnet101": "resnet101",
    "resnet152": "resnet152",
    "densenet121": "densenet121",
}
"""torchvision's name -> ours."""

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the photographs that torchvision's networks learned from."""

MIDDLE = (0.5, 0.5, 0.5)
"""Both, for GoogLeNet: its published weights come from elsewhere and see colours from -1 to 1."""

COUNTERS = ".num_batches_tracked"
AUXILIARY = ("aux1.", "aux2.")
"""GoogLeNet's classifiers half way, of use to training alone: files may have them."""
HEADS = ("classifier.6.weight", "fc.weight", "classifier.weight")
"""The last layers, whose rows are the classes."""


def load_brought(path: str | Path) -> tuple[str, nn.Module]:
    """torchvision's name of the network that the file's weights belong to, and that network with them."""
    state = read_weights(path)
    name = recognise(path, state)
    classes = next((len(state[head]) for head in HEADS if head in state), 1000)
    with torch.device("meta"):
        network = DOCUMENTED[LAYOUTS[name]].build(classes=classes)
        if _features_only(state):
            network = nn.Sequential()
            network.features = DOCUMENTED[LAYOUTS[name]].build().features
    network.load_state_dict(_complete(network, state), assign=True)
    return name, network.eval()


def preparation(name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """What a network of torchvision's expects to be taken from each colour, and what the rest is divided by."""
    return (MIDDLE, MIDDLE) if name == "googlenet" else (MEAN, DEVIATION)


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a file by their keys; a wrapper around them, as DataParallel leaves it, is taken off."""
    try:
        if str(path).endswith(".safetensors"):
            from safetensors.torch import load_file

            state: Any = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # both libraries raise what they like at foreign bytes
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelFileError("the weights cannot be read", seen=f"{path}: {reason[:200]}") from None
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ModelFileError("the file holds something else than weights by name", seen=path)
    named = {key.removeprefix("module."): value.float() for key, value in state.items() if COUNTERS not in key}
    return {key: value for key, value in named.items() if not key.startswith(AUXILIARY)}


def recognise(path: str | Path, state: dict[str, Tensor]) -> str:
    """torchvision's name of the network with these keys and shapes, whatever the number of classes."""
    seen = _shapes(state)
    for name, ours in LAYOUTS.items():
        with torch.device("meta"):
            wanted = _shapes(DOCUMENTED[ours].build().state_dict())
        if seen == (_of_features(wanted) if _features_only(state) else wanted):
            return name
    keys = ", ".join(list(state)[:3])
    raise ModelFileError(
        "the weights have the layout of no known network", seen=f"{path}: {keys}, ...", expected=", ".join(LAYOUTS)
    )


def _features_only(state: dict[str, Tensor]) -> bool:
    return all(key.startswith("features.") for key in state)


def _of_features(shapes: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    return {key: shape for key, shape in shapes.items() if key.startswith("features.")}


def _shapes(state: dict[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """Without counters, and with any number of classes."""
    heads = {part for head in HEADS for part in (head, head.replace("weight", "bias"))}
    return {
        key: tuple(value.shape[1:] if key in heads else value.shape)
        for key, value in state.items()
        if COUNTERS not in key
    }


def _complete(network: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """With the counters of batch norm, which evaluation never reads and older files lack."""
    counters = {key: torch.tensor(0) for key in network.state_dict() if COUNTERS in key}
    return {**state, **counters}
