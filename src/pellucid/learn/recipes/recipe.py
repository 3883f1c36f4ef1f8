"""The dataclasses of a recipe: data, network, loss, schedule and measure. They hold choices and do nothing.

A recipe is complete: with the database, the number of threads and the precision it says what comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pellucid.errors import UsageError
from pellucid.learn.data.batches import CHANNELS
from pellucid.learn.data.degradations import DEGRADATIONS
from pellucid.learn.losses import CLASS_LOSSES, LOSSES, PIXEL_LOSSES
from pellucid.learn.networks import CLASSIFIERS, DENOISERS, NETWORKS, SEGMENTERS, all_families

CLASSIFY, SEGMENT = "classify", "segment"
"""The tasks that learn from labelled pictures and from labelled pixels; all others learn pictures from pictures."""


@dataclass(frozen=True)
class Choice:
    """Something picked from a registry by its name, with settings of the type that the registry gives to it."""

    name: str
    settings: Any


def one_of(kinds: Callable[[], Mapping[str, type]], default: str | None = None) -> Any:
    """A field that holds a `Choice` out of `kinds()`; `default` is the name taken where a recipe says nothing."""
    return field(metadata={"kinds": kinds, "default": default})


@dataclass(frozen=True, kw_only=True)
class Data:
    """`patch` is the target's side; `pictures` are drawn where no database is given, unless it is 0.

    For the task `classify`, in place of these: the `format` of the published files, how many pictures of the training
    files are `held_out` for validation, and by how many pixels the others are moved and bent, after `plain` steps in
    which they are shown as they are.

    For the task `segment`: frames are flipped, enlarged or made smaller by up to `zoom` and change in brightness,
    contrast and colour by up to `recolour`; `patch` is the side of what is cut from them.
    """

    degradation: Choice = one_of(lambda: DEGRADATIONS, "identity")
    patch: int = 96
    batch: int = 16
    channels: str = "rgb"
    pictures: int = 0
    format: str = ""
    held_out: int = 5000
    shift: float = 0.0
    elastic: float = 0.0
    plain: int = 0
    zoom: float = 1.0
    recolour: float = 0.0


@dataclass(frozen=True)
class Optimiser:
    """AdamW [A13] with warm-up and a cosine down to `last_rate`; gradients longer than `clip` are shortened.

    Unless `muon` is 0, the kernels of hidden layers move by Muon instead, at so many times the rate.
    """

    rate: float = 5e-4
    last_rate: float = 1e-6
    warm_up: int = 200
    beta1: float = 0.9
    beta2: float = 0.99
    weight_decay: float = 0.0
    clip: float = 1.0
    muon: float = 0.0


@dataclass(frozen=True)
class Validation:
    """Every so many steps the averaged weights are measured on so many crops of pictures that are not learned from."""

    every: int = 1000
    crops: int = 192


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What to learn and how. `average` is the decay of the weights' moving average. [C3] [C4]

    `goal_psnr` is the validation PSNR (over all channels) that a finished run must have reached, 0 for none. A
    checkpoint is written every `checkpoint_seconds`, and every `checkpoint_steps` unless that is 0. `threads` is 0 for
    as many as there are processors: networks that are very small run faster in one.
    """

    task: str
    steps: int
    about: str = ""
    seed: int = 7
    scale: int = 1
    network: Choice = one_of(lambda: {name: family.options for name, family in all_families().items()})
    data: Data = field(default_factory=Data)
    loss: Choice = one_of(lambda: LOSSES | CLASS_LOSSES | PIXEL_LOSSES, "mse")
    optimiser: Optimiser = field(default_factory=Optimiser)
    average: float = 0.999
    validation: Validation = field(default_factory=Validation)
    goal_psnr: float = 0.0
    precision: str = "auto"
    threads: int = 0
    log_every: int = 50
    checkpoint_seconds: float = 120.0
    checkpoint_steps: int = 0

    def __post_init__(self) -> None:
        """Refuses what no training can use; what a part of the recipe can't use, that part refuses."""
        _at_least("steps", self.steps, 1)
        _at_least("log_every", self.log_every, 1)
        _at_least("validation.every", self.validation.every, 1)
        _at_least("data.batch", self.data.batch, 1)
        if not 0 <= self.average < 1:
            raise UsageError("recipe: average is out of range", seen=self.average, expected="0 to 1, without 1")
        self._refuse_mixture()
        self._refuse_missing_level()
        if self.data.degradation.settings.scale != self.scale:
            raise UsageError(
                f"recipe: scale is {self.scale}, but the degradation {self.data.degradation.name!r} does not shrink",
                expected="bicubic or box, or scale 1",
            )

    def _refuse_mixture(self) -> None:
        """Pictures and classes are not learned by the same parts."""
        labelled = {CLASSIFY: (CLASSIFIERS, CLASS_LOSSES), SEGMENT: (SEGMENTERS, PIXEL_LOSSES)}
        networks, losses = labelled.get(self.task, (NETWORKS | DENOISERS, LOSSES))
        for key, name, known in (("network", self.network.name, networks), ("loss", self.loss.name, losses)):
            if name not in known:
                expected = "one of " + ", ".join(sorted(known))
                raise UsageError(f"recipe: {key} does not fit the task {self.task}", seen=name, expected=expected)

    def _refuse_missing_level(self) -> None:
        """A network that is told the noise's level needs a degradation that tells it."""
        takes = getattr(self.network.settings, "takes_level", False)
        gives = getattr(self.data.degradation.settings, "with_level", False)
        if takes != gives:
            raise UsageError(
                f"recipe: the network {self.network.name} {'takes' if takes else 'does not take'} the noise's level",
                seen=f"the degradation {self.data.degradation.name}, with_level {gives}",
                hint=f"data.degradation: {{name: noise, with_level: {str(takes).lower()}}}",
            )


FREE_TO_DIFFER = (
    "about",
    "goal_psnr",
    "precision",
    "threads",
    "log_every",
    "checkpoint_seconds",
    "checkpoint_steps",
    "validation",
)
"""What a run may go on with differently: none of it changes the weights. (Precision and threads do, but a run remembers
its own.)"""


def colours_of(channels: str) -> int:
    """How many channels a network sees of a picture."""
    return 3 if CHANNELS.get(channels, None) is None else 1


def _at_least(key: str, value: int, least: int) -> None:
    if value < least:
        raise UsageError(f"recipe: {key} is too small", seen=value, expected=f"{least} or more")
