"""The cases are data; what the documents' records name is among them."""

import re

from docs.speed import COMMANDS

from benchmarks.cases import CASES, DEFAULT, NETWORKS, WHOLE_PROCESSES
from pellucid import models

NAMES = [case.name for case in (*CASES, *WHOLE_PROCESSES)]


def test_names_are_distinct_and_the_default_ones_known():
    assert len(set(NAMES)) == len(NAMES) and set(DEFAULT) <= set(NAMES)
    assert len(set(DEFAULT)) == len(DEFAULT) < len(NAMES) / 2


def test_every_network_is_there_at_every_size():
    assert list(NETWORKS) == ["A", "B", "C", "D"]
    for size in ("180x320", "360x656", "512x528", "1080x1920"):
        assert {f"{net}-{size}" for net in NETWORKS} <= set(NAMES)
    assert "unet-384x480" in NAMES
    assert all(any(name.startswith(f"{model}-") for name in NAMES) for model in models.names())


def test_the_records_of_the_documents_can_be_made_again():
    named = [word for command in COMMANDS.values() for word in command.split() if re.search(r"-\d+x\d+$", word)]
    assert named and set(named) <= set(NAMES)
