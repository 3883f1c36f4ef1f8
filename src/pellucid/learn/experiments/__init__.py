"""The documents' small experiments: what they claim, beside what is seen here. [C11]

One file per experiment: a dataclass of settings, `run(settings, data, progress) -> Outcome`, and `EXPERIMENT`, which
says what it needs. Figures are those of one run with the seed beside them; nothing here makes a model to keep.
"""

from __future__ import annotations

import importlib

from pellucid.errors import unknown_name
from pellucid.learn.experiments.experiment import Claim, Experiment, Outcome

EXPERIMENTS: dict[str, str] = {
    "toy-planes": "What each layer does to the plane, and what one layer cannot do.",
    "autoencoder": "An autoencoder with a bottleneck beside PCA of the same rank.",
    "self-normalising": "Deep dense networks: SELU's fixed point against batch norm, and plain ones.",
    "fifty-layers": "What initialisers keep of signals and gradients through fifty layers.",
    "siren": "A sine network with and without the start it asks for.",
    "lottery-ticket": "Accuracy against weights left: pruned, rewound, trained again; channels gone from the file.",
    "accuracy-against-operations": "A family of networks on digits: accuracy, operations, compute to a fixed accuracy.",
    "hand-made-features": "Histograms of gradients and a linear classifier beside networks on digits.",
    "random-rates": "Alrao: each unit its own random learning rate, beside one rate for all.",
    "forward-and-reverse": "Forward and reverse mode agree; what each costs, wide in and wide out.",
    "pyramids": "Gaussian, Laplacian and steerable pyramids; the picture comes back exactly.",
    "ridge": "Polynomials with a penalty on their weights; weight decay beside it.",
    "depth": "Plain nets degrade with depth, residual ones do not.",
    "batch-norm": "With and without batch norm: starts, rates, sigmoids; a single sample.",
    "batch-size": "Batch size against noise of the gradient, cost and generalisation.",
    "relu-and-tanh": "Steps to a given error with ReLU, tanh and sigmoid.",
    "wiring-search": "The best of some random wirings, and whether it was luck.",
    "orders": "Black-box, gradient and Newton steps on small problems: steps and what they are told.",
    "layer-kinds": "Kinds of layers as wiring, equation, matrix and mapping.",
    "transfer": "What was learned of one half of the classes, put to use on the other half.",
}
"""Name -> one line; the file is called like the experiment, with underscores."""

__all__ = ["EXPERIMENTS", "Claim", "Experiment", "Outcome", "find_experiment"]


def find_experiment(name: str) -> Experiment:
    if name not in EXPERIMENTS:
        raise unknown_name("experiment", name, list(EXPERIMENTS))
    module = importlib.import_module(f"pellucid.learn.experiments.{name.replace('-', '_')}")
    found: Experiment = module.EXPERIMENT
    return found
