"""What a run's folder holds, and who may go on in it.

    runs/x/
        recipe.yaml       the recipe in full
        run.json          what else decides the weights: database, precision, threads, versions, as they are now;
                          `earlier`: what changed, and until which step it was so
        log.jsonl         one line per report, per validation, and per beginning
        events/           the same for TensorBoard
        checkpoints/      the newest two states
        curves.png  validation.png

A folder made by another recipe, database or precision is refused with the key that differs. Another number of threads,
engine or version of a library is said aloud, written down and allowed: the run goes on well, but not with the same
bits.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pellucid.errors import TrainingError
from pellucid.learn.recipes import Recipe, differing_keys, recipe_from_text, recipe_to_text
from pellucid.learn.training.checkpoints import CHECKPOINTS

EARLIER = "earlier"
RECIPE, FACTS, LOG, LOCK = "recipe.yaml", "run.json", "log.jsonl", "lock"
DRAWN = "drawn"
"""Where a run keeps the pictures that it drew for itself, if it had no others."""
DECIDING = ("database", "precision", "processes", "from")
"""The facts that must be as they were."""


class RunFolder:
    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.checkpoints = self.path / CHECKPOINTS
        self.log = self.path / LOG

    @property
    def exists(self) -> bool:
        return (self.path / FACTS).exists()

    def recipe(self) -> Recipe:
        """The recipe that the run was started with."""
        return recipe_from_text(self._read(RECIPE))

    def facts(self) -> dict[str, Any]:
        """What else decides its weights."""
        try:
            return json.loads(self._read(FACTS))
        except ValueError:
            raise TrainingError("the run's folder is damaged", seen=self.path / FACTS) from None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps a second process out of the folder; one that was made for nothing is gone afterwards."""
        made = [path for path in (self.path, *self.path.parents) if not path.exists()]
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = open(self.path / LOCK, "w")  # noqa: SIM115 - it stays open as long as the run
        except OSError as error:
            raise TrainingError("the run's folder cannot be written", seen=f"{self.path}: {error.strerror}") from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise TrainingError("another process is training in this folder", seen=self.path) from None
            try:
                yield
            finally:
                if made and [entry.name for entry in self.path.iterdir()] == [LOCK]:
                    (self.path / LOCK).unlink()
                    for path in made:
                        path.rmdir()

    def begin(self, recipe: Recipe, facts: dict[str, Any]) -> list[str]:
        """Writes down what the run is, or compares it with what is there; returns what has changed harmlessly."""
        if not self.exists:
            strangers = [
                entry.name
                for entry in self.path.iterdir()
                if entry.name not in (LOCK, RECIPE, DRAWN) and entry.suffix != ".new"
            ]
            if strangers:
                raise TrainingError(
                    "the folder is not a run's and not empty",
                    seen=f"{self.path} holds {strangers[0]}",
                    expected="a new folder",
                )
            self._write(RECIPE, recipe_to_text(recipe))
            self._write_facts(facts)  # last: with it the run exists
            return []
        self._refuse_difference(recipe, facts)
        there = self.facts()
        changed = [key for key in facts if key not in DECIDING and there.get(key) != facts[key]]
        return [f"{key} was {there.get(key)} and is {facts[key]}" for key in changed]

    def go_on(self, facts: dict[str, Any], step: int) -> None:
        """Writes down with what the run goes on after `step` steps, and beside it what was otherwise until then."""
        there = self.facts()
        changed = {key: there.get(key) for key in facts if there.get(key) != facts[key]}
        if changed:
            earlier = [*there.get(EARLIER, []), {"until": step} | changed]
            self._write_facts(facts | {EARLIER: earlier})

    def _refuse_difference(self, recipe: Recipe, facts: dict[str, Any]) -> None:
        there = self.facts()
        differences = [(f"recipe: {key}", a, b) for key, a, b in differing_keys(self.recipe(), recipe)]
        differences += [(key, there.get(key), facts[key]) for key in DECIDING if there.get(key) != facts[key]]
        if differences:
            key, seen, asked = differences[0]
            more = f" (and {len(differences) - 1} more)" if len(differences) > 1 else ""
            raise TrainingError(
                f"{self.path} was made by another run: {key} differs{more}",
                seen=_short(seen),
                expected=_short(asked),
                hint="name another folder with --run, or ask for what is there",
            )

    def cut_log(self, step: int) -> None:
        """Forgets what was logged after `step`, which will be done again."""
        if not self.log.exists():
            return
        kept = []
        for line in self.log.read_text("utf-8").splitlines():
            try:
                if json.loads(line)["step"] <= step:
                    kept.append(line + "\n")
            except (ValueError, KeyError, TypeError):  # the line that was being written when the process was killed
                continue
        self._write(LOG, "".join(kept))

    def _read(self, name: str) -> str:
        try:
            return (self.path / name).read_text("utf-8")
        except OSError:
            raise TrainingError("not the folder of a run", seen=self.path, expected=f"a folder with {name}") from None

    def _write_facts(self, facts: dict[str, Any]) -> None:
        self._write(FACTS, json.dumps(facts, indent=1) + "\n")

    def _write(self, name: str, text: str) -> None:
        temporary = self.path / (name + ".new")
        temporary.write_text(text, "utf-8")
        os.replace(temporary, self.path / name)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:16] + "..."
