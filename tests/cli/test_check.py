"""`pellucid check`: a verdict and an exit code."""

import pytest

from pellucid import cli

torch = pytest.importorskip("torch")

from pellucid.learn.inspect import gradient_check, small_inputs  # noqa: E402


@pytest.fixture
def small(monkeypatch):
    """Instead of the network named, one with few weights."""
    torch.manual_seed(0)
    case = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.Tanh()), torch.rand(2, 1, 5, 6)
    monkeypatch.setattr(small_inputs, "small_case", lambda name: case)


def test_a_network_that_agrees(small, capsys):
    assert cli.run(["check", "any", "--samples", "2"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].split()[:3] == ["tensor", "checked", "error"]
    assert "any, 2 inputs of 6 x 5 x 1: agree at 80 places" in out[-1]


def test_disagreement_is_an_exit_code(small, monkeypatch, capsys):
    wrong = gradient_check.TensorCheck("a.weight", 9, 9, 0.5, (1, 2), 3.0, 2.0)
    monkeypatch.setattr(gradient_check, "check_gradients", lambda *rest: gradient_check.GradientCheck((wrong,)))
    assert cli.run(["check", "any"]) == 1
    out = capsys.readouterr().out
    assert "DISAGREE" in out and "[1, 2]" in out


def test_an_unknown_network(capsys):
    assert cli.run(["check", "espnc"]) == 2
    assert "did you mean 'espcn'" in capsys.readouterr().err
