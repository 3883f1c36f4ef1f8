"""The card of a model: what it is for, what it learned from, what it reaches by which protocol, how to repeat it.

It travels inside the model file. It holds facts about the model alone, no dates, paths or machines, so that equal
models have equal files. Its fields are stated here once; unknown ones are refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from pellucid.errors import ModelFileError

KINDS_OF_NOISE = ("", "white", "camera")


@dataclass(frozen=True)
class Figure:
    """What was measured on one set of pictures by one protocol: {"psnr": 33.1, "psnr of bicubic": 30.4}."""

    data: str
    protocol: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class Card:
    """`scale` is how many times larger the output is, `bf16_loss_db` what bfloat16 costs on the model's own measure,
    `classes` the names of what a classifier's outputs stand for, in their order. `noise` says what a denoiser takes
    away, and how it is measured: "white", as where nothing stands, or "camera", which neighbouring pixels share.
    """

    task: str = "general"
    purpose: str = ""
    not_for: str = ""
    scale: int | None = None
    data: str = ""
    terms: str = ""
    repeat: str = ""
    figures: tuple[Figure, ...] = field(default=())
    bf16_loss_db: float | None = None
    classes: tuple[str, ...] = field(default=())
    noise: str = ""

    def __post_init__(self) -> None:
        _check(self)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, without the fields that say nothing; `from_json` is its inverse."""
        value = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) not in ("", None, ())}
        value["task"] = self.task
        if self.classes:
            value["classes"] = list(self.classes)
        if self.figures:
            value["figures"] = [
                {"data": f.data, "protocol": f.protocol, "values": dict(sorted(f.values.items()))} for f in self.figures
            ]
        return value

    @staticmethod
    def from_json(value: Any) -> Card:
        known = [f.name for f in fields(Card)]
        if not isinstance(value, dict) or not set(value) <= set(known):
            seen = sorted(set(value) - set(known)) if isinstance(value, dict) else type(value).__name__
            raise ModelFileError("the card cannot be read", seen=seen, expected="the keys " + ", ".join(known))
        try:
            figures = tuple(Figure(**{str(k): v for k, v in figure.items()}) for figure in value.get("figures", ()))
        except (TypeError, AttributeError) as error:
            raise ModelFileError("the card's figures cannot be read", seen=error) from None
        classes = value.get("classes", ())
        classes = tuple(classes) if isinstance(classes, list) else classes
        return Card(**{**value, "figures": figures, "classes": classes})


def _check(card: Card) -> None:
    for name in ("task", "purpose", "not_for", "data", "terms", "repeat"):
        if not isinstance(getattr(card, name), str):
            raise _wrong(name, getattr(card, name), "a text")
    if not card.task:
        raise _wrong("task", card.task, "a word such as superres or denoise")
    if card.noise not in KINDS_OF_NOISE:
        raise _wrong("noise", card.noise, f"one of {', '.join(filter(None, KINDS_OF_NOISE))}, or nothing")
    if card.scale is not None and (type(card.scale) is not int or card.scale < 1):
        raise _wrong("scale", card.scale, "a whole number of at least 1")
    if card.bf16_loss_db is not None and not _is_number(card.bf16_loss_db):
        raise _wrong("bf16_loss_db", card.bf16_loss_db, "decibels")
    if not isinstance(card.classes, tuple) or not all(isinstance(name, str) and name for name in card.classes):
        raise _wrong("classes", card.classes, "names")
    if len(set(card.classes)) < len(card.classes):
        raise _wrong("classes", card.classes, "each name once")
    if not isinstance(card.figures, tuple):
        raise _wrong("figures", card.figures, "a tuple of Figure")
    for figure in card.figures:
        if not isinstance(figure.data, str) or not isinstance(figure.protocol, str):
            raise _wrong("figures", figure, "the data and the protocol in words")
        if not isinstance(figure.values, Mapping) or not all(
            isinstance(k, str) and _is_number(v) for k, v in figure.values.items()
        ):
            raise _wrong("figures", figure.values, "names and finite numbers")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _wrong(name: str, seen: object, expected: str) -> ModelFileError:
    return ModelFileError(f"the card's {name} is wrong", seen=repr(seen), expected=expected)
