"""What an experiment is, and what comes out of one. [C11]"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import DatabaseError, UsageError, unknown_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Progress = Callable[[int, int, str], None]
"""(done, total, what is being done)"""

SIZE = (28, 28)
"""Of MNIST's and Fashion-MNIST's pictures."""

DOCUMENTS = {
    "S0": "Digital Image Processing, tutorial 6",
    "S1": "Visual AI, lecture 3",
    "S2": "Machine Learning in Graphics and Vision, convolutional neural networks",
    "S3": "Computational Imaging, lecture 9",
    "S4": "Automatic Image Analysis, lecture 10",
}


@dataclass(frozen=True)
class Claim:
    """What a document says, in few words, beside what was seen; `agrees` is None where nothing is to be compared."""

    document: str
    said: str
    seen: str
    agrees: bool | None = None


@dataclass(frozen=True)
class Outcome:
    """`figures` are what JSON can hold; `film` is a GIF."""

    figures: dict[str, Any]
    claims: tuple[Claim, ...]
    picture: Figure
    film: bytes | None = None


@dataclass(frozen=True)
class Experiment:
    """`run` takes one of the three settings, the data it `needs` ("digits" or nothing), and a progress to tell.

    `usual` ends in about a minute on one core, `full` takes what it takes, `small` is for trying the code.
    """

    row: str
    run: Callable[[Any, Any, Progress], Outcome]
    usual: Any
    small: Any
    full: Any = None
    needs: str | None = None
    takes_colour: bool = False  # CIFAR-10's pictures do as well


def changed(settings: Any, changes: Iterable[str]) -> Any:
    """Settings with `key=value` put in, each value of the kind that stood there; commas between several."""
    for change in changes:
        key, equals, text = change.partition("=")
        known = {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}
        if key not in known:
            raise unknown_name("setting", key, list(known))
        old, parts = known[key], text.split(",")
        kind = type(old[0] if isinstance(old, tuple) else old)
        try:
            values = tuple(kind(part) for part in parts)
        except ValueError:
            values = ()
        if not equals or not values or (not isinstance(old, tuple) and len(values) > 1):
            raise UsageError(f"{key} cannot be that", seen=change, expected=f"{key}= and the like of {old}")
        settings = dataclasses.replace(settings, **{key: values if isinstance(old, tuple) else values[0]})
    return settings


def read_data(experiment: Experiment, folder: Path | None) -> Any:
    """The data that an experiment needs, from the user's folder."""
    if experiment.needs is None:
        return None
    if folder is None:
        hint = "--data names the folder with MNIST's four idx files"
        raise DatabaseError("the experiment learns from handwritten digits", seen="no folder", hint=hint)
    from pellucid.learn.data.labelled import read_cifar10, read_mnist

    if experiment.takes_colour and any(folder.glob("data_batch_*.bin")):
        found = read_cifar10(folder, train=True)
        return replace(found, pictures=found.pictures[:, 2:-2, 2:-2])  # the middle, as large as a digit
    found = read_mnist(folder, train=True)
    if found.pictures.shape[1:3] != SIZE:
        seen = "{} x {}".format(*found.pictures.shape[1:3])
        raise DatabaseError("the experiments' networks take one size of picture", seen=seen, expected="28 x 28")
    return found


def quiet(done: int, total: int, what: str) -> None:
    """The progress of those who do not look."""


def as_json(name: str, settings: Any, outcome: Outcome) -> str:
    """Everything but the picture."""
    claims = [{**dataclasses.asdict(c), "document": DOCUMENTS[c.document]} for c in outcome.claims]
    content = {
        "experiment": name,
        "settings": dataclasses.asdict(settings),
        "figures": outcome.figures,
        "claims": claims,
    }
    text = json.dumps(_rounded(content), indent=1)
    return re.sub(r"\[\s+([^\[\]{}\"]*?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", text) + "\n"


def _rounded(value: Any) -> Any:
    """Six digits of every number: more would only tell machines apart."""
    if isinstance(value, dict):
        return {str(key): _rounded(item) for key, item in value.items()}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
