"""A run ends with the same bits however often it was broken; what stops it says so. [C3] [C4] [C8]"""

import json
import random
import signal

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from pellucid.errors import NotFiniteError, TrainingError  # noqa: E402
from pellucid.learn.data import prefetch  # noqa: E402
from pellucid.learn.networks import NETWORKS, Family  # noqa: E402
from pellucid.learn.networks.plain import Plain, PlainOptions  # noqa: E402
from pellucid.learn.training import interval, loop  # noqa: E402
from pellucid.learn.training.checkpoints import checkpoints_of, newest_good, save_snapshot  # noqa: E402
from pellucid.learn.training.load import load_run  # noqa: E402
from pellucid.learn.training.loop import train  # noqa: E402
from tests.learn.training.tiny import At, Crash, crash, job, logged  # noqa: E402


class Forgetful(nn.Module):
    """A network with chance in it: what dropout draws depends on torch's random state."""

    def __init__(self, options):
        super().__init__()
        self.plain, self.dropout = Plain(options), nn.Dropout(0.2)

    def forward(self, x):
        return self.dropout(self.plain(x))


class Fuse(nn.Module):
    """Multiplies by NaN from its seventh use while training on."""

    def __init__(self):
        super().__init__()
        self.register_buffer("uses", torch.zeros(()))

    def forward(self, x):
        self.uses += self.training
        return x * (torch.nan if self.uses >= 7 else 1.0)


class Fused(nn.Module):
    def __init__(self, options):
        super().__init__()
        self.plain, self.fuse = Plain(options), Fuse()

    def forward(self, x):
        return self.fuse(self.plain(x))


@pytest.fixture(autouse=True)
def networks(monkeypatch):
    monkeypatch.setitem(NETWORKS, "forgetful", Family(PlainOptions, Forgetful))
    monkeypatch.setitem(NETWORKS, "fused", Family(PlainOptions, Fused))


@pytest.mark.parametrize(
    "changes", [["network.name=plain"], ["network.name=forgetful"], ["network.layers=3", "optimiser.muon=3"]]
)
def test_broken_anywhere_it_ends_with_the_same_bits(tmp_path, crops, changes):
    whole = train(job(tmp_path / "whole", crops, *changes))
    assert (whole.ending, whole.step) == ("finished", 24)
    moments = sorted(random.Random(5).sample(range(1, 25), 4))
    for step in moments:
        with pytest.raises(Crash):
            train(job(tmp_path / "broken", crops, *changes, at=At(step, crash)))
    broken = train(job(tmp_path / "broken", crops, *changes))
    assert broken.weights == whole.weights, moments
    assert broken.figures == whole.figures


def test_at_most_one_interval_is_repeated(tmp_path, crops):
    for step in (4, 13, 24):
        with pytest.raises(Crash):
            train(job(tmp_path / "run", crops, at=At(step, crash)))
    train(job(tmp_path / "run", crops))
    assert logged(tmp_path / "run", "began") == [0, 0, 10, 20][1:]  # the first beginning went with its steps
    assert logged(tmp_path / "run", "loss") == list(range(1, 25))


def test_by_time_it_saves_too(tmp_path, crops):
    train(job(tmp_path / "run", crops, "checkpoint_steps=0", "checkpoint_seconds=0", "steps=4"))
    assert [path.name[-8:] for path in checkpoints_of(tmp_path / "run" / "checkpoints")] == ["04.state", "03.state"]


def test_two_minutes_is_the_usual_interval(tmp_path, crops):
    from pellucid.learn.recipes import load_recipe, packaged

    assert {load_recipe(name).checkpoint_seconds for name in packaged()} == {120}


class Clock:
    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now

    monotonic = perf_counter


def test_waiting_is_a_share_of_the_time_of_steps(tmp_path, crops, monkeypatch):
    """Of a source that lets every step wait 3 s, beside 1 s of computing, however long validations and saving take."""
    clock = Clock()

    def pass_by(seconds):
        return lambda *_: setattr(clock, "now", clock.now + seconds)

    class Slow(prefetch.Prefetched):
        def __next__(self):
            get = self._ready.get
            self._ready.get = lambda: (pass_by(3)(), get())[1]
            try:
                return super().__next__()
            finally:
                self._ready.get = get

    add = interval.Interval.add
    monkeypatch.setattr(interval.Interval, "add", lambda self, *given: (pass_by(1)(), add(self, *given)))
    monkeypatch.setattr(loop, "Prefetched", Slow)
    for module in (loop, prefetch, interval):
        monkeypatch.setattr(module, "time", clock)
    slow = job(tmp_path / "run", crops, "steps=6", "validation.every=2", "checkpoint_steps=3")
    reports = []
    watcher = slow.callbacks[0]
    watcher.reported, watcher.validated, watcher.saved = reports.append, pass_by(100), pass_by(50)  # type: ignore[method-assign]
    train(slow)
    assert [report.waited for report in reports] == [3 / 4] * 6
    assert [report.images_per_second for report in reports] == [4 / 4] * 6


@pytest.mark.parametrize("damage", ["shorter", "one bit", "empty"])
def test_a_damaged_checkpoint_is_passed_over(tmp_path, crops, damage):
    whole = train(job(tmp_path / "run", crops))
    newest, older = checkpoints_of(tmp_path / "run" / "checkpoints")
    content = bytearray(newest.read_bytes())
    content[-1000] ^= 1
    newest.write_bytes({"shorter": content[:-7], "one bit": content, "empty": b""}[damage])
    started = []
    watched = job(tmp_path / "run", crops)
    watched.callbacks[0].started = started.append  # type: ignore[method-assign]
    watched.callbacks[0]._line = lambda values: None  # type: ignore[attr-defined]
    assert train(watched).weights == whole.weights
    assert started[0].step == 20 and older.name.endswith("20.state")
    assert started[0].notes == [f"{newest} is damaged and was passed over"]


def test_a_file_half_written_when_the_process_died_is_nothing(tmp_path, crops):
    whole = train(job(tmp_path / "whole", crops))
    with pytest.raises(Crash):
        train(job(tmp_path / "run", crops, at=At(12, crash)))
    (tmp_path / "run" / "checkpoints" / "step_000000015.state.new").write_bytes(b"pellucid training sta")
    (tmp_path / "run" / "log.jsonl").open("a").write('{"step": 13, "lo')
    assert train(job(tmp_path / "run", crops)).weights == whole.weights
    assert logged(tmp_path / "run", "loss") == list(range(1, 25))


def test_a_finished_run_is_finished(tmp_path, crops):
    first = train(job(tmp_path / "run", crops))
    log = (tmp_path / "run" / "log.jsonl").read_text()
    again = train(job(tmp_path / "run", crops))
    assert (first.ending, again.ending) == ("finished", "was finished")
    assert (again.step, again.weights, again.figures) == (first.step, first.weights, first.figures)
    assert (tmp_path / "run" / "log.jsonl").read_text() == log


def test_interrupted_it_saves_and_goes_on(tmp_path, crops):
    whole = train(job(tmp_path / "whole", crops))
    for number, step in ((signal.SIGINT, 3), (signal.SIGTERM, 17)):
        interrupt = At(step, lambda number=number: signal.raise_signal(number))
        stopped = train(job(tmp_path / "run", crops, at=interrupt))
        assert stopped.ending == "stopped" and step <= stopped.step <= step + 1
        assert newest_good(tmp_path / "run" / "checkpoints")[0]["step"] == stopped.step
    assert train(job(tmp_path / "run", crops)).weights == whole.weights


def test_nan_stops_the_run(tmp_path, crops):
    with pytest.raises(NotFiniteError) as caught:
        train(job(tmp_path / "run", crops, "network.name=fused"))
    line = str(caught.value)
    assert "in step 7, first in the output of layer fuse (Fuse)" in line
    assert f"step 5 in {tmp_path / 'run' / 'checkpoints'}" in line
    state, _ = newest_good(tmp_path / "run" / "checkpoints")
    assert all(torch.isfinite(weights).all() for weights in state["network"].values())


def test_a_rate_beyond_reason_stops_the_run(tmp_path, crops):
    reckless = ("optimiser.rate=1e38", "optimiser.warm_up=0")
    with pytest.raises(NotFiniteError, match=r"in step 2, first in the weights layers.0.weight.*none yet"):
        train(job(tmp_path / "run", crops, *reckless))
    with pytest.raises(NotFiniteError, match=r"in step 1, first in the weights layers.0.weight.*none yet"):
        train(job(tmp_path / "saving", crops, *reckless, "checkpoint_steps=1"))
    assert not checkpoints_of(tmp_path / "saving" / "checkpoints")


def test_a_snapshot_goes_on_in_a_new_folder(tmp_path, crops):
    whole = train(job(tmp_path / "whole", crops))
    train(job(tmp_path / "first", crops, at=At(11, lambda: signal.raise_signal(signal.SIGINT))))
    snapshot = tmp_path / "snapshots" / "half.state"
    save_snapshot(tmp_path / "first", snapshot)
    moved = train(job(tmp_path / "second", crops, snapshot=snapshot))
    assert moved.weights == whole.weights
    assert logged(tmp_path / "second", "began") == [12]  # the step after the one in which it was asked


def test_another_schedule_takes_a_snapshots_weights_only(tmp_path, crops):
    train(job(tmp_path / "first", crops))
    save_snapshot(tmp_path / "first", tmp_path / "half.state")
    started = []
    other = job(tmp_path / "second", crops, "steps=2", "optimiser.rate=0", "optimiser.last_rate=0",
                snapshot=tmp_path / "half.state")  # fmt: skip
    other.callbacks[0].started = started.append  # type: ignore[method-assign]
    other.callbacks[0]._line = lambda values: None  # type: ignore[attr-defined]
    assert train(other).step == 2
    assert "weights only" in started[0].notes[0] and "steps, optimiser.rate" in started[0].notes[0]
    learned, kept = load_run(tmp_path / "first")[0], load_run(tmp_path / "second")[0]  # with a rate of 0
    assert all(torch.equal(a, b) for a, b in zip(learned.parameters(), kept.parameters(), strict=True))


def test_a_snapshot_of_a_finished_run_is_refused(tmp_path, crops):
    train(job(tmp_path / "first", crops, "steps=2"))
    save_snapshot(tmp_path / "first", tmp_path / "end.state")
    with pytest.raises(TrainingError, match="of a finished run; seen: step 2; hint: .*--steps"):
        train(job(tmp_path / "second", crops, "steps=2", snapshot=tmp_path / "end.state"))
    assert not (tmp_path / "second").exists()


def test_of_a_finished_run_that_is_too_large_a_snapshot_has_the_averaged_weights(tmp_path, crops, monkeypatch):
    train(job(tmp_path / "first", crops))
    whole = save_snapshot(tmp_path / "first", tmp_path / "whole.state")
    small = (tmp_path / "whole.state").stat().st_size * 2 // 3
    monkeypatch.setattr("pellucid.learn.training.checkpoints.SNAPSHOT_LIMIT", small)
    save_snapshot(tmp_path / "first", tmp_path / "end.state")
    assert (tmp_path / "end.state").stat().st_size < small
    kept = load_run(tmp_path / "end.state")[0].state_dict()
    assert all(torch.equal(kept[name], weight) for name, weight in whole["average"].items())
    again = job(tmp_path / "second", crops, "steps=26", snapshot=tmp_path / "end.state")
    assert train(again).step == 26


def test_a_snapshot_of_another_network_is_refused(tmp_path, crops):
    train(job(tmp_path / "first", crops))
    save_snapshot(tmp_path / "first", tmp_path / "half.state")
    with pytest.raises(TrainingError, match=r"another network: network.channels differs; seen: 4; expected: 5"):
        train(job(tmp_path / "second", crops, "network.channels=5", snapshot=tmp_path / "half.state"))


def test_another_scale_takes_the_weights_that_fit(tmp_path, crops):
    """What makes the large picture is new, all else is the snapshot's; a rate of 0 keeps it so."""
    chain = ("network=chain", "network.channels=4", "network.layers=1")
    train(job(tmp_path / "double", crops, *chain))
    save_snapshot(tmp_path / "double", tmp_path / "double.state")
    started = []
    still = ("scale=4", "steps=1", "optimiser.rate=0", "optimiser.last_rate=0")
    other = job(tmp_path / "fourfold", crops, *chain, *still, snapshot=tmp_path / "double.state")
    other.callbacks[0].started = started.append  # type: ignore[method-assign]
    other.callbacks[0]._line = lambda values: None  # type: ignore[attr-defined]
    train(other)
    assert "but not tail.weight, tail.bias, interpolation.weight, and the run begins" in started[0].notes[0]
    old, new = (load_run(tmp_path / name)[0].state_dict() for name in ("double", "fourfold"))
    for name in ("head.weight", "head.bias", "body.1.weight", "body.1.bias"):
        assert torch.equal(old[name], new[name])
    assert new["tail.weight"].abs().max() > 0 and len(new["tail.weight"]) == 4 * len(old["tail.weight"])


def test_other_colours_take_the_weights_that_fit(tmp_path, crops):
    """What reads and makes the picture is new, the body is the snapshot's."""
    still = ("network=chain", "network.layers=1", "steps=1", "optimiser.rate=0", "optimiser.last_rate=0")
    train(job(tmp_path / "colour", crops, *still))
    save_snapshot(tmp_path / "colour", tmp_path / "colour.state")
    train(job(tmp_path / "grey", crops, *still, "data.channels=grey", "seed=8", snapshot=tmp_path / "colour.state"))
    old, new = (load_run(tmp_path / name)[0].state_dict() for name in ("colour", "grey"))
    assert torch.equal(old["body.1.weight"], new["body.1.weight"])
    assert new["head.weight"].shape[1] == 1 and new["head.weight"].abs().max() > 0


def test_learning_happens(tmp_path, crops):
    changes = ("steps=300", "log_every=50", "checkpoint_steps=0", "optimiser.rate=1e-2", "network.channels=8")
    outcome = train(job(tmp_path / "run", crops, *changes))
    first = json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[1])
    assert first["step"] == 0 and outcome.figures.psnr > first["psnr"] + 4
