"""What happened since the last report, and how fast."""

from __future__ import annotations

import time

from pellucid.learn.training.callbacks import Report


class Interval:
    """Counts steps from `step` on."""

    def __init__(self, step: int) -> None:
        self._step, self._begun, self._images = step, time.perf_counter(), 0
        self._loss = self._length = self._rate = 0.0

    def add(self, images: int, loss: float, length: float, rate: float) -> None:
        self._images += images
        self._loss += loss
        self._length, self._rate = max(self._length, length), rate

    def pause(self, seconds: float) -> None:
        """Takes time that was not spent on steps out of the account."""
        self._begun += seconds

    def report(self, step: int, operations: int, waited: float) -> Report:
        rate = self._images / max(time.perf_counter() - self._begun, 1e-9)
        return Report(
            step=step,
            loss=self._loss / max(1, step - self._step),
            rate=self._rate,
            gradient=self._length,
            images_per_second=rate,
            operations_per_second=rate * operations,
            waited=waited,
        )
