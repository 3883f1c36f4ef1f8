"""What a database will hold, before a single crop is cut: its options, its pictures, and each crop's picture.

The plan is a function of the options and of the pictures' contents. It knows nothing of processes or of files to write.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any

import numpy as np

from pellucid.errors import DatabaseError, UsageError
from pellucid.learn.data.database import FORMAT, VERSION
from pellucid.learn.data.keyed_random import bits, uniform
from pellucid.learn.data.source_pictures import SourceFile, SourcePicture

SPLIT, PICTURE = 1, 2
"""The streams of random numbers that the plan draws from."""

PIECE = 2048
"""Crops in one piece of work: few enough for a steady bar and a prompt end, enough to be worth decoding a picture."""


@dataclass(frozen=True)
class DatabaseOptions:
    """Everything, beside the pictures, that the crops depend on."""

    crop: int = 96  # pixels on a side
    count: int = 200_000  # crops in both parts together
    shrink: int = 1  # pictures are scaled down by this before they are cut
    val: float = 0.05  # the share of pictures, and of crops, kept for validation
    seed: int = 7
    min_detail: float = 0.0  # grey levels, see detail.py; 0 takes every crop: flat skies have to be learnt, too

    def __post_init__(self) -> None:
        for name, least, most in (
            ("crop", 8, 4096),
            ("count", 1, 2**32 - 1),
            ("shrink", 1, 64),
            ("seed", 0, 2**63 - 1),
        ):
            self._check(name, least, most)
        self._check("val", 0, 0.5)
        self._check("min_detail", 0, 128)
        if self.val > 0 and not 0 < self.val_count < self.count:
            raise UsageError("one part would have no crops", seen=f"count {self.count}, val {self.val}")

    def _check(self, name: str, least: int, most: float) -> None:
        value = getattr(self, name)
        if not least <= value <= most:
            raise UsageError(f"--{name.replace('_', '-')} is out of range", seen=value, expected=f"{least} to {most}")

    @property
    def val_count(self) -> int:
        return math.floor(self.val * self.count + 0.5)


@dataclass(frozen=True)
class Plan:
    """The header, and which picture each place's crop is cut from."""

    header: dict[str, Any]
    files: list[SourceFile]  # as header["pictures"]
    picture_of: np.ndarray  # (count,) the number of the picture

    @property
    def header_text(self) -> bytes:
        return (json.dumps(self.header, indent=1, ensure_ascii=False) + "\n").encode()

    def pieces(self) -> Iterator[tuple[int, np.ndarray]]:
        """(picture, places) until every place has been named once, pictures one after another."""
        order = np.argsort(self.picture_of, kind="stable")
        ends = np.searchsorted(self.picture_of[order], np.arange(len(self.files)), side="right")
        for picture, places in enumerate(np.split(order, ends[:-1])):
            yield from ((picture, places[i : i + PIECE]) for i in range(0, len(places), PIECE))


def make_plan(options: DatabaseOptions, examined: Sequence[tuple[SourceFile, SourcePicture | str]]) -> Plan:
    """Splits the pictures into a training and a validation part, and draws a picture for every crop. [C1]"""
    found, skipped = _without_copies(examined)
    if not found:
        reasons = "; ".join(f"{file.name}: {reason}" for file, reason in skipped[:3])
        raise DatabaseError("no picture is left to cut crops from", seen=f"{len(skipped)} left out, {reasons}")
    found.sort(key=lambda pair: pair[1].sha256)  # neither names nor the order of arguments decide anything
    pictures = [picture for _, picture in found]
    is_val = _split(options, pictures)
    weights = np.array([picture.weight for picture in pictures])
    train = options.count - options.val_count
    picture_of = np.concatenate(
        [
            _drawn(options.seed, np.arange(train), weights * ~is_val),
            _drawn(options.seed, np.arange(train, options.count), weights * is_val),
        ]
    )
    header = {
        "format": FORMAT,
        "version": VERSION,
        "crop": options.crop,
        "train": train,
        "val": options.val_count,
        "options": asdict(options),
        "made_by": {package: _version(package) for package in ("pellucid", "pyvips-binary")},  # decoders may differ
        "pictures": [
            {**asdict(picture), "part": "val" if val else "train"}
            for picture, val in zip(pictures, is_val, strict=True)
        ],
        "skipped": [{"name": file.name, "reason": reason} for file, reason in skipped],
    }
    return Plan(header, [file for file, _ in found], picture_of)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"


def _without_copies(
    examined: Sequence[tuple[SourceFile, SourcePicture | str]],
) -> tuple[list[tuple[SourceFile, SourcePicture]], list[tuple[SourceFile, str]]]:
    found: dict[str, tuple[SourceFile, SourcePicture]] = {}
    skipped: list[tuple[SourceFile, str]] = []
    for file, result in sorted(examined, key=lambda pair: (pair[0].name, pair[0].path)):
        if isinstance(result, str):
            skipped.append((file, result))
        elif result.sha256 in found:
            skipped.append((file, f"a copy of {found[result.sha256][0].name}"))
        else:
            found[result.sha256] = file, result
    return list(found.values()), skipped


def _split(options: DatabaseOptions, pictures: Sequence[SourcePicture]) -> np.ndarray:
    """Which pictures are for validation. -> bool (pictures,)"""
    is_val = np.zeros(len(pictures), bool)
    if options.val > 0:
        if len(pictures) < 2:
            raise DatabaseError(
                "one picture cannot be split into training and validation", seen=pictures[0].name, hint="--val 0"
            )
        lot = bits(options.seed, SPLIT, np.array([int(picture.sha256[:16], 16) for picture in pictures], np.uint64))
        is_val[np.argsort(lot, kind="stable")[: max(1, round(options.val * len(pictures)))]] = True
    return is_val


def _drawn(seed: int, places: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """A picture for each place, with a probability proportional to its weight."""
    if not len(places):
        return np.zeros(0, np.int64)
    ends = np.cumsum(weights)
    return np.searchsorted(ends, uniform(seed, PICTURE, places) * ends[-1], side="right")
