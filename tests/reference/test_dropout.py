"""Dropout: its gradient, and that reweighting while training and at inference are the same in expectation."""

import numpy as np
import pytest

from pellucid.errors import UsageError
from pellucid.reference import dropout as d
from tests.reference.cases import Case, holds, random_values


def dropout_case(rate: float, at_inference: bool) -> Case:
    kept = d.draw_kept(np.random.default_rng(1), (2, 4, 5, 3), rate)
    return Case(
        "dropout",
        f"{rate} reweighted {'at inference' if at_inference else 'while training'}",
        random_values(f"dropout {rate} {at_inference}", x=(2, 4, 5, 3)),
        lambda x: d.dropout_train(x, kept, rate, reweight_at_inference=at_inference),
        {"x": lambda dy, x: d.dropout_train_backward_data(dy, kept, rate, reweight_at_inference=at_inference)},
    )


CASES = [dropout_case(rate, at_inference) for rate in (0.0, 0.3, 0.5) for at_inference in (False, True)]
test_case = holds(CASES)


@pytest.mark.parametrize("at_inference", [False, True])
def test_training_means_what_inference_gives(at_inference: bool) -> None:
    """The mean of 20,000 training passes is the inference pass, in both forms: 1 x, and 0.5 x for a rate of 0.5."""
    rng, x = np.random.default_rng(2), np.linspace(-2, 2, 9)
    passes = [
        d.dropout_train(x, d.draw_kept(rng, x.shape, 0.5), 0.5, reweight_at_inference=at_inference)
        for _ in range(20_000)
    ]
    mean = np.mean(passes, axis=0)
    np.testing.assert_allclose(mean, d.dropout_test(x, 0.5, reweight_at_inference=at_inference), atol=0.05)


def test_the_two_forms_differ_by_the_share_that_is_kept_everywhere() -> None:
    """With half dropped, weights twice as large behind the second form give the first, while training and after."""
    x = random_values("forms", x=(3, 8))["x"]
    kept = d.draw_kept(np.random.default_rng(3), x.shape, 0.5)
    np.testing.assert_array_equal(
        d.dropout_train(x, kept, 0.5), 2 * d.dropout_train(x, kept, 0.5, reweight_at_inference=True)
    )
    np.testing.assert_array_equal(d.dropout_test(x, 0.5), 2 * d.dropout_test(x, 0.5, reweight_at_inference=True))


def test_the_share_that_is_dropped() -> None:
    kept = d.draw_kept(np.random.default_rng(4), (100_000,), 0.3)
    assert set(np.unique(kept)) == {0, 1}
    assert abs(kept.mean() - 0.7) < 0.01


def test_refusals_name_what_was_seen() -> None:
    with pytest.raises(UsageError, match="rate is out of range; seen: 1.0; expected: 0 <= rate < 1"):
        d.draw_kept(np.random.default_rng(5), (2,), 1.0)
