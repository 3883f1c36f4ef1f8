"""Several processes share batches and end with the weights of one, equal among themselves. [C8]"""

import multiprocessing

import pytest

torch = pytest.importorskip("torch")

import numpy as np  # noqa: E402

from pellucid.errors import TrainingError, UsageError  # noqa: E402
from pellucid.learn.training.load import load_run  # noqa: E402
from pellucid.learn.training.loop import train  # noqa: E402
from pellucid.learn.training.processes import Team, led  # noqa: E402
from tests.learn.training.tiny import At, Crash, crash, job  # noqa: E402

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="several processes are for machines without a GPU")

OFTEN = "validation.every=6"
"""How often the processes compare their weights."""


def weights(network):
    return torch.cat([w.detach().reshape(-1) for w in network.parameters()]).numpy()


def stray(team, _):
    """Makes one step with the others, then checks weights of its own."""
    w = torch.nn.Parameter(torch.zeros(2))
    w.grad = torch.tensor([1.0, 5.0])
    team.mean([w], 1.0)
    team.check([torch.nn.Parameter(torch.ones(2))])


def leaves(team, _):
    """Comes to the meeting and goes."""


def test_gradients_become_their_mean_and_strange_weights_are_seen():
    w = torch.nn.Parameter(torch.zeros(2))
    w.grad = torch.tensor([3.0, 0.0])
    with led(2, stray, None) as team:
        assert team.mean([w], 4.0) == [2.5]
        assert w.grad.tolist() == [2.0, 2.5]
        with pytest.raises(TrainingError, match="not the same any more; seen: 1 differ"):
            team.check([w])
    assert not multiprocessing.active_children()


def test_a_process_that_ended_is_noticed():
    w = torch.nn.Parameter(torch.zeros(2))
    w.grad = torch.zeros(2)
    with pytest.raises(TrainingError, match="one of the 2 processes ended"), led(2, leaves, None) as team:
        for _ in range(3):
            team.mean([w])
    assert not multiprocessing.active_children()


def test_alone_there_is_nothing_to_do():
    with led(1, leaves, None) as team:
        assert (team.rank, team.ranks) == (0, 1) and team.mean([], 3.0) == [3.0]
        team.check([])
    assert isinstance(team, Team)


def test_two_learn_what_one_learns(tmp_path, crops):
    train(job(tmp_path / "one", crops, OFTEN))
    train(job(tmp_path / "two", crops, OFTEN, processes=2))
    one, two = (weights(load_run(tmp_path / name)[0]) for name in ("one", "two"))
    np.testing.assert_allclose(two, one, rtol=0, atol=1e-4)


@pytest.mark.heavy
@pytest.mark.parametrize("processes", [2, 4])
def test_after_a_crash_they_go_on_with_the_same_bits(tmp_path, crops, processes):
    whole = train(job(tmp_path / "whole", crops, OFTEN, processes=processes))
    with pytest.raises(Crash):
        train(job(tmp_path / "broken", crops, OFTEN, processes=processes, at=At(13, crash)))
    assert not multiprocessing.active_children()
    assert train(job(tmp_path / "broken", crops, OFTEN, processes=processes)).weights == whole.weights


@pytest.mark.parametrize("processes", [0, 3, 5])
def test_nonsense_is_refused(tmp_path, crops, processes):
    with pytest.raises(UsageError, match=f"cannot be shared out; seen: 4 samples, {processes} processes"):
        train(job(tmp_path / "run", crops, processes=processes))
