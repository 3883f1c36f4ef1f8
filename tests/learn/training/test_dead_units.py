"""A run says by itself when its units die, and only then."""

import json
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from pellucid.learn.acceleration import accelerate  # noqa: E402
from pellucid.learn.networks import NETWORKS, Family  # noqa: E402
from pellucid.learn.networks.chain import Chain, ChainOptions  # noqa: E402
from pellucid.learn.networks.plain import Plain, PlainOptions  # noqa: E402
from pellucid.learn.training.callbacks import JsonLog  # noqa: E402
from pellucid.learn.training.dead_units import Rectified, Rectifiers, rectifiers  # noqa: E402
from pellucid.learn.training.job import Job  # noqa: E402
from pellucid.learn.training.loop import train  # noqa: E402
from pellucid.learn.training.progress import Watch  # noqa: E402
from tests.learn.training.tiny import job  # noqa: E402


def chain(activation="relu"):
    torch.manual_seed(0)
    return Chain(ChainOptions(channels=8, layers=3, activation=activation, scale=2)).eval()


def shut(layer, units):
    with torch.no_grad():
        layer.bias[units] = -1e3


@pytest.mark.parametrize("engine", [False, True])
def test_planted_dead_units_are_counted_layer_by_layer_in_chains_too(engine):
    network, x = chain(), torch.rand(4, 3, 12, 12)
    if engine:
        accelerate(network)
    before = network(x)
    healthy = rectifiers(network, x)
    assert [layer.layer for layer in healthy.layers] == ["body.0", "body.2", "body.4", "body.6"]
    assert healthy.units == 32 and not healthy.many_dead and healthy.pictures == 4
    assert torch.equal(network(x), before)  # nobody listens any more
    shut(network.body[1], slice(0, 7))
    found = rectifiers(network, x)
    assert found.layers[1] == Rectified("body.2", 8, 7) and found.layers[0] == healthy.layers[0]
    assert found.dead == healthy.dead - healthy.layers[1].dead + 7 and found.many_dead
    assert f"{found.dead} of 32 hidden units are dead" in found.words and "most in body.2 (7 of 8)" in found.words


def test_a_unit_that_one_picture_wakes_is_alive():
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU()).eval()
    with torch.no_grad():
        network[1].weight.copy_(torch.eye(3, 4))
        network[1].bias.zero_()
    x = torch.zeros(2, 1, 2, 2)
    x[1, 0, 0, 1] = 1
    assert rectifiers(network, x).layers == [Rectified("2", 3, 2)]


def test_prelu_has_nothing_to_count():
    network = chain("prelu")
    shut(network.head, slice(None))
    assert not rectifiers(network, torch.rand(2, 3, 12, 12)).layers


class Planted(Plain):
    """Begins with all units awake but those that `dead` names."""

    dead = slice(0)

    def __init__(self, options):
        super().__init__(options)
        nn.init.ones_(self.layers[0].bias)
        shut(self.layers[0], self.dead)


class Shut(Planted):
    dead = slice(0, 3)


@pytest.mark.parametrize("name", ["healthy", "shut"])
def test_a_run_with_dead_units_says_so_in_one_line_and_a_healthy_one_is_silent(
    tmp_path, crops, name, monkeypatch, capsys
):
    monkeypatch.setitem(NETWORKS, name, Family(PlainOptions, {"healthy": Planted, "shut": Shut}[name]))
    watched = job(tmp_path / "run", crops, f"network.name={name}", "validation.every=12")
    train(Job(watched.recipe, watched.run, crops, threads=1, callbacks=(JsonLog(), Watch())))
    records = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    counted = [(r["step"], r["dead_units"], r["hidden_units"]) for r in records if "dead_units" in r]
    lines = [line for line in capsys.readouterr().err.splitlines() if "hidden units are dead" in line]
    if name == "healthy":
        assert counted == [(0, 0, 4), (12, 0, 4), (24, 0, 4)] and not lines
    else:
        assert counted == [(0, 3, 4), (12, 3, 4), (24, 3, 4)]
        assert len(lines) == 1 and lines[0].startswith("step 0: 3 of 4 hidden units are dead")
        assert f"pellucid inspect {tmp_path / 'run'}" in lines[0]


def test_what_was_said_is_said_again_only_when_it_gets_worse(tmp_path, capsys):
    watch = Watch()
    start = SimpleNamespace(
        folder=SimpleNamespace(path=tmp_path), recipe=SimpleNamespace(network=SimpleNamespace(name="n"), steps=9)
    )
    watch.started(SimpleNamespace(**vars(start), step=0, layers=(), precision="fp32", device="cpu", peak=1e9, notes=()))
    for dead in (1, 5, 5, 4, 6):
        watch.counted(dead, Rectifiers([Rectified("a", 10, dead)], 2))
    said = [line.split()[2] for line in capsys.readouterr().err.splitlines() if "are dead" in line]
    assert said == ["5", "6"]
