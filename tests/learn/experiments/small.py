"""Experiments in their small form, on strokes where they need digits; each is done once per session."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from pellucid.learn.data.labelled import MNIST_CLASSES, Labelled
from pellucid.learn.experiments import Outcome, find_experiment
from pellucid.learn.experiments.experiment import quiet
from tests.learn.data.strokes import stroke


@functools.cache
def strokes(n: int = 240) -> Labelled:
    random = np.random.default_rng(5)
    labels = np.arange(n) % 10
    pictures = np.stack([stroke(int(label), random) for label in labels])[..., None]
    return Labelled(pictures, labels.astype(np.int64), MNIST_CLASSES)


def data_for(name: str) -> Any:
    return strokes() if find_experiment(name).needs == "digits" else None


@functools.cache
def small(name: str) -> Outcome:
    experiment = find_experiment(name)
    return experiment.run(experiment.small, data_for(name), quiet)
