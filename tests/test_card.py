"""Cards: what a classifier's outputs stand for survives JSON, and nonsense is refused."""

import json

import pytest

from pellucid.card import Card
from pellucid.errors import ModelFileError


def test_classes_survive_json():
    card = Card("classify", classes=("cat", "dog"))
    assert Card.from_json(json.loads(json.dumps(card.to_json()))) == card
    assert "classes" not in Card().to_json()


@pytest.mark.parametrize("classes", [["cat", "cat"], ["cat", ""], ["cat", 3], "cat"])
def test_classes_are_distinct_names(classes):
    with pytest.raises(ModelFileError, match="card's classes is wrong"):
        Card.from_json({"task": "classify", "classes": classes})


def test_the_kind_of_noise_is_a_known_one():
    card = Card("denoise", noise="camera")
    assert Card.from_json(card.to_json()) == card
    with pytest.raises(ModelFileError, match="card's noise is wrong; seen: 'pink'; expected: one of white, camera"):
        Card("denoise", noise="pink")
