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
}
"""Name -> one line; the file is called like the experiment, with underscores."""

__all__ = ["EXPERIMENTS", "Claim", "Experiment", "Outcome", "find_experiment"]


def find_experiment(name: str) -> Experiment:
    if name not in EXPERIMENTS:
        raise unknown_name("experiment", name, list(EXPERIMENTS))
    module = importlib.import_module(f"pellucid.learn.experiments.{name.replace('-', '_')}")
    found: Experiment = module.EXPERIMENT
    return found
