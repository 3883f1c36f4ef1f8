"""The mean of several runs is a snapshot like others, and runs that do not belong together are refused."""

import pytest

torch = pytest.importorskip("torch")

from pellucid.cli import run as pellucid  # noqa: E402
from pellucid.errors import TrainingError  # noqa: E402
from pellucid.learn.training.checkpoints import read_state, save_snapshot  # noqa: E402
from pellucid.learn.training.load import load_run  # noqa: E402
from pellucid.learn.training.loop import train  # noqa: E402
from pellucid.learn.training.mean import save_mean  # noqa: E402
from tests.learn.training.tiny import job  # noqa: E402


@pytest.fixture
def twins(tmp_path, crops):
    """Two runs that began with the same weights, and the snapshot that they began with."""
    train(job(tmp_path / "before", crops))
    start = tmp_path / "start.state"
    save_snapshot(tmp_path / "before", start)
    for name, seed in (("a", 1), ("b", 2)):
        train(job(tmp_path / name, crops, "steps=6", f"seed={seed}", snapshot=start))
    return tmp_path / "a", tmp_path / "b", start


def test_it_lies_halfway(tmp_path, twins):
    a, b, _ = twins
    assert pellucid(["snapshot", str(a), str(b), "-o", str(tmp_path / "mean.state")]) == 0
    mean = read_state(tmp_path / "mean.state")["average"]
    first, second = (load_run(run)[0].state_dict() for run in (a, b))
    assert any(not torch.equal(first[name], second[name]) for name in mean)
    for name, value in mean.items():
        torch.testing.assert_close(value, (first[name] + second[name]) / 2)


def test_another_run_begins_with_it(tmp_path, crops, twins):
    save_mean(twins[:2], tmp_path / "mean.state")
    outcome = train(job(tmp_path / "c", crops, "steps=1", "optimiser.rate=1e-12", snapshot=tmp_path / "mean.state"))
    mean, after = (load_run(path)[0].state_dict() for path in (tmp_path / "mean.state", tmp_path / "c"))
    assert outcome is not None
    for name, value in mean.items():
        torch.testing.assert_close(after[name], value)


def test_other_networks_and_unfinished_runs_are_refused(tmp_path, crops, twins):
    train(job(tmp_path / "wide", crops, "steps=1", "network.channels=5"))
    with pytest.raises(TrainingError, match=r"wide is of another network: network.channels differs; seen: 5"):
        save_mean([twins[0], tmp_path / "wide"], tmp_path / "mean.state")
    state = read_state(twins[2]) | {"step": 3}
    from pellucid.learn.training.checkpoints import to_bytes

    (tmp_path / "half.state").write_bytes(to_bytes(state))
    with pytest.raises(TrainingError, match=r"half.state is not finished; seen: step 3; expected: 24 steps"):
        save_mean([twins[0], tmp_path / "half.state"], tmp_path / "mean.state")
    assert not (tmp_path / "mean.state").exists()
