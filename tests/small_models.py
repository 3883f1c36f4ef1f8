"""Small model files for tests: made of random weights, without torch, the same for the same arguments."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pellucid.card import Card
from pellucid.graph import Graph, Node
from pellucid.modelfile import save


def superres_model(path: Path, scale: int = 3, channels: int = 3) -> Path:
    """Enlarges by nearest neighbour, plus a small correction of two 3x3 convolutions."""
    random = np.random.default_rng(0)
    out = channels * scale**2
    nodes = (
        Node("first", "conv", attributes={"padding": (1, 1, 1, 1)}),
        Node("relu", "relu", ("first",)),
        Node("second", "conv", ("relu",), {"padding": (1, 1, 1, 1)}),
        Node("shuffle", "pixel_shuffle", ("second",), {"factor": scale}),
        Node("nearest", "resize", attributes={"mode": "nearest", "scale": (float(scale), float(scale))}),
        Node("sum", "add", ("shuffle", "nearest")),
    )
    weights = {
        "first.weight": random.normal(0, 0.2, (8, channels, 3, 3)).astype(np.float32),
        "first.bias": random.normal(0, 0.1, 8).astype(np.float32),
        "second.weight": random.normal(0, 0.02, (out, 8, 3, 3)).astype(np.float32),
    }
    save(path, Graph(nodes, channels), weights, Card(task="superres", scale=scale))
    return path


def denoising_model(path: Path, colours: int = 3) -> Path:
    """Smooths by a 3x3 mean as far as the level beside the picture says: the picture, less level (picture - mean).

    It works on blocks of two by two pixels, so sizes must be even.
    """
    squares = 4
    nodes = (
        Node("blocks", "pixel_unshuffle", attributes={"factor": 2}),
        Node("picture", "slice_channels", ("blocks",), {"start": 0, "stop": colours * squares}),
        Node("level", "slice_channels", ("blocks",), {"start": colours * squares, "stop": colours * squares + 1}),
        Node("mean", "conv", ("picture",), {"padding": (1, 1, 1, 1), "groups": colours * squares}),
        Node("found", "subtract", ("picture", "mean")),
        Node("taken", "multiply", ("found", "level")),
        Node("clean", "subtract", ("picture", "taken")),
        Node("pixels", "pixel_shuffle", ("clean",), {"factor": 2}),
    )
    weights = {"mean.weight": np.full((colours * squares, 1, 3, 3), 1 / 9, np.float32)}
    save(path, Graph(nodes, colours + 1, multiple=2), weights, Card(task="denoise"))
    return path


def segmenting_model(path: Path, classes: tuple[str, ...] = ("red", "green", "blue")) -> Path:
    """The class of a pixel is its brightest colour, sharply; sizes must be multiples of four."""
    nodes = (
        Node("blocks", "pixel_unshuffle", attributes={"factor": 4}),
        Node("pixels", "pixel_shuffle", ("blocks",), {"factor": 4}),
        Node("sharp", "conv", ("pixels",)),
    )
    weights = {"sharp.weight": 20 * np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1)}
    save(path, Graph(nodes, 3, multiple=4), weights, Card(task="segment", purpose="Names colours.", classes=classes))
    return path
