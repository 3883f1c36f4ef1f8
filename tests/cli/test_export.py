"""`pellucid export`: a run becomes a model file with its recipe in the card."""

import json
from pathlib import Path

import pytest
import torch

import pellucid
from pellucid.cli import run
from pellucid.learn.networks import build_network
from pellucid.learn.recipes import load_recipe, recipe_from_text
from pellucid.learn.training import load as loading


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any run holds a small network."""
    recipe = load_recipe("superres", ["network.channels=4", "network.layers=1"])
    torch.manual_seed(0)
    network = build_network(recipe.network.name, recipe.network.settings).eval()
    monkeypatch.setattr(loading, "load_run", lambda run: (network, recipe))


def test_a_folder_that_is_not_there_is_refused(trained: None, tmp_path: Path, capsys) -> None:
    assert run(["export", "runs/x", "-o", str(tmp_path / "none" / "m.safetensors")]) == 2
    assert f"seen: {tmp_path}/none/m.safetensors; expected: a name in a folder" in capsys.readouterr().err


def test_the_card_says_how_to_repeat(trained: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = tmp_path / "card.json"
    card.write_text(json.dumps({"terms": "Apache-2.0", "bf16_loss_db": 0.01}))
    target = tmp_path / "m.safetensors"
    assert run(["export", "runs/x", "-o", str(target), "--card", str(card)]) == 0
    assert str(target) in capsys.readouterr().out
    network = pellucid.load(target)
    assert (network.card.task, network.card.scale, network.card.terms) == ("superres", 3, "Apache-2.0")
    assert recipe_from_text(network.card.repeat).network.settings.channels == 4
    before = target.read_bytes()
    assert run(["export", "runs/x", "-o", str(target)]) == 2
    assert target.read_bytes() == before
    assert run(["export", "runs/x", "-o", str(target), "--half", "--overwrite"]) == 0
    assert target.stat().st_size < len(before)


@pytest.mark.parametrize("text", ["{", "[1]", '{"scales": 3}', '{"scale": "three"}'])
def test_cards_that_cannot_be_are_refused(
    text: str, trained: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "card.json").write_text(text)
    assert run(["export", "runs/x", "-o", str(tmp_path / "m"), "--card", str(tmp_path / "card.json")]) in (1, 2)
    assert "card" in capsys.readouterr().err and not (tmp_path / "m").exists()
