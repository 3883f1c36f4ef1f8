"""The search measures every candidate, and the best and the worst of them again. [B8]"""

import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from pellucid.learn.experiments.wiring_search import _claims  # noqa: E402
from tests.learn.experiments.small import small  # noqa: E402


def test_candidates_and_repetitions():
    figures = small("wiring-search").figures
    assert len(figures["accuracy of each wiring"]) == 2 and len(figures["best, other starts"]) == 1


def test_a_best_that_was_luck_is_called_so():
    assert _claims([0.8, 0.9], [0.9, 0.92], [0.8, 0.82])[0].agrees
    assert not _claims([0.8, 0.9], [0.8, 0.82], [0.9, 0.92])[0].agrees
    assert not _claims([0.8, 0.9], [0.7, 0.92], [0.68, 0.9])[0].agrees  # ahead, but within the luck of the start
