"""Claims follow from figures: turned round, what was seen no longer agrees. [C11]"""

import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from pellucid.learn.experiments import (  # noqa: E402
    accuracy_against_operations,
    batch_norm,
    depth,
    hand_made_features,
    lottery_ticket,
    random_rates,
    relu_and_tanh,
)


def agree(claims):
    return [claim.agrees for claim in claims]


def test_relu_is_ahead_only_where_it_arrives_first():
    settings = relu_and_tanh.Settings()
    entries = {"ReLU": {"steps": 20}, "tanh": {"steps": 90}, "sigmoid": {"steps": None}}
    assert agree(relu_and_tanh._claims(settings, entries)) == [True, True]
    entries = {"ReLU": {"steps": 80}, "tanh": {"steps": 90}, "sigmoid": {"steps": 40}}
    claims = relu_and_tanh._claims(settings, entries)
    assert agree(claims) == [False, False] and "ReLU 80, tanh 90" in claims[0].seen


def test_depth_degrades_only_where_the_loss_grows():
    few, many = {"last loss": 0.1, "accuracy": 0.9}, {"last loss": 0.9, "accuracy": 0.4}
    worse, better = {"4": few, "40": many}, {"4": many, "40": few}
    assert agree(depth._claims(depth.Settings(), {"plain": worse, "residual": better})) == [True, True]
    assert agree(depth._claims(depth.Settings(), {"plain": better, "residual": worse})) == [False, False]


def test_a_ticket_wins_only_where_it_beats_new_weights():
    left, files = [1.0, 0.5, 0.1], {"0%": {"bytes": 100, "trained on": 0.9}, "50%": {"bytes": 40, "trained on": 0.9}}
    assert agree(lottery_ticket._claims(left, [0.9, 0.9, 0.9], [0.9, 0.8, 0.5], files)) == [True, True, True]
    files["50%"]["trained on"] = 0.5
    assert agree(lottery_ticket._claims(left, [0.9, 0.7, 0.5], [0.9, 0.8, 0.6], files)) == [False, False, False]


def test_features_operations_and_rates():
    def kinds(*accuracies):
        found = {str(i): {"accuracy": a} for i, a in enumerate(accuracies)}
        return {"classifiers": found, "weights of a dense layer as wide as HOG": 453_076_992}

    assert agree(hand_made_features._claims(kinds(0.8, 0.9, 0.95, 0.97))) == [True, True, True]
    assert agree(hand_made_features._claims(kinds(0.9, 0.8, 0.7, 0.7))) == [False, False, True]
    assert agree(random_rates._claims([0.1, 0.9], [0.89, 0.9, 0.9], {"below 1": 0.0, "1 and above": 0.5})) == [True] * 3
    assert agree(random_rates._claims([0.1, 0.9], [0.5, 0.6, 0.7], {"below 1": 0.5, "1 and above": 0.1})) == [False] * 3
    names = list(accuracy_against_operations.family(1))
    found = {
        name: {"operations": 10**i, "parameters": 1, "accuracy": 0.5 + 0.05 * i, "operations to the goal": 10**i}
        for i, name in enumerate(names)
    }
    assert agree(accuracy_against_operations._claims(accuracy_against_operations.Settings(), found)) == [True] * 3


def test_batch_norm_bears_higher_rates_only_where_it_does():
    settings, one = batch_norm.Settings(rates=(0.1, 1.0)), {"stored statistics": 0.9, "its own": 0.1}
    good, bad, kinds = [0.9, 0.9], [0.9, 0.1], {"with": {"sigmoid": 0.9}, "without": {"sigmoid": 0.2}}
    both = {"with": good, "without": bad}
    claims = batch_norm._claims(settings, both, both, kinds, one)
    assert agree(claims) == [True] * 4 and claims[1].seen.endswith("1 with, 0.1 without")
    other, back = {"with": bad, "without": good}, {"with": kinds["without"], "without": kinds["with"]}
    one = {"stored statistics": 0.1, "its own": 0.9}
    assert agree(batch_norm._claims(settings, other, other, back, one)) == [False] * 4
