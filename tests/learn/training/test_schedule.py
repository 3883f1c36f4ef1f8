"""The learning rate: up straight, down by half a cosine."""

import pytest

pytest.importorskip("torch")

from pellucid.learn.recipes.recipe import Optimiser  # noqa: E402
from pellucid.learn.training.schedule import rate_at  # noqa: E402

CHOICE = Optimiser(rate=1.0, last_rate=0.1, warm_up=10)


def test_at_the_places_that_matter():
    assert rate_at(0, 110, CHOICE) == pytest.approx(0.1)
    assert rate_at(9, 110, CHOICE) == rate_at(10, 110, CHOICE) == 1.0
    assert rate_at(60, 110, CHOICE) == pytest.approx(0.55)  # half way down
    assert rate_at(110, 110, CHOICE) == pytest.approx(0.1)


def test_it_rises_and_then_falls():
    rates = [rate_at(step, 110, CHOICE) for step in range(110)]
    assert rates[:10] == sorted(rates[:10]) and rates[10:] == sorted(rates[10:], reverse=True)


def test_a_run_shorter_than_its_warm_up():
    assert [rate_at(step, 4, CHOICE) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]
    assert rate_at(0, 4, Optimiser(rate=1.0, warm_up=0)) == 1.0
