"""Several processes on one machine that share each batch and keep their weights in step. [C8]

The first is the caller's own: it alone validates, saves, logs and hears the user. The others are spawned, do the same
steps on their part of each batch, and end with it. All start from the same weights and apply the same mean of their
gradients, summed in one fixed order, so they stay equal to the last bit; `check` proves it now and then.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as distributed
from torch import nn

from pellucid.errors import PellucidError, TrainingError

START, WAIT = timedelta(minutes=5), timedelta(hours=1)
"""How long all may take to begin, and one step or validation."""


class Team:
    """One process's view of all of them."""

    def __init__(self, rank: int = 0, ranks: int = 1) -> None:
        self.rank, self.ranks = rank, ranks

    def mean(self, weights: Sequence[nn.Parameter], *numbers: float) -> list[float]:
        """Makes each gradient the mean of all processes' gradients; returns the means of `numbers`."""
        if self.ranks == 1:
            return list(numbers)
        gradients = [w.grad for w in weights if w.grad is not None]
        flat = torch.cat([*(g.reshape(-1) for g in gradients), torch.tensor(numbers)])
        self._together(lambda: distributed.all_reduce(flat))
        flat /= self.ranks
        *parts, means = flat.split([*(g.numel() for g in gradients), len(numbers)])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.reshape(gradient.shape))
        return means.tolist()

    def check(self, weights: Sequence[nn.Parameter]) -> None:
        """Refuses to go on with weights that are not the same everywhere."""
        if self.ranks == 1:
            return
        mine = torch.cat([w.detach().reshape(-1) for w in weights])
        first = mine.clone()
        self._together(lambda: distributed.broadcast(first, 0))
        differ = torch.tensor(float(not torch.equal(mine, first)))
        self._together(lambda: distributed.all_reduce(differ))
        if differ:
            raise TrainingError("the processes' weights are not the same any more", seen=f"{int(differ)} differ")

    def _together(self, exchange: Callable[[], Any]) -> None:
        try:
            exchange()
        except RuntimeError as error:  # the connection ended with one of the processes
            raise TrainingError(
                f"one of the {self.ranks} processes ended",
                seen=str(error).splitlines()[0],
                hint="repeat the command, perhaps with fewer --processes",
            ) from None


@contextlib.contextmanager
def led(ranks: int, follow: Callable[[Team, Any], None], what: Any) -> Iterator[Team]:
    """A team led by this process. The others call `follow(team, what)`, which has to make the same steps."""
    if ranks == 1:
        yield Team()
        return
    with tempfile.TemporaryDirectory() as folder:
        meeting, spawn = os.path.join(folder, "meeting"), multiprocessing.get_context("spawn")
        followers = [
            spawn.Process(target=_follow, args=(meeting, rank, ranks, follow, what), daemon=True)
            for rank in range(1, ranks)
        ]
        try:
            for follower in followers:
                follower.start()
            with _meeting(meeting, 0, ranks):
                yield Team(0, ranks)
        finally:
            for follower in followers:
                follower.join(5)
                follower.kill()
                follower.join()


@contextlib.contextmanager
def _meeting(path: str, rank: int, ranks: int) -> Iterator[None]:
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # no other machine takes part
    store = distributed.FileStore(path, ranks)
    store.set_timeout(START)
    distributed.init_process_group("gloo", store=store, rank=rank, world_size=ranks, timeout=WAIT)
    try:
        yield
    finally:
        distributed.destroy_process_group()


def _follow(meeting: str, rank: int, ranks: int, follow: Callable[[Team, Any], None], what: Any) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # the leader hears them, and all stop after the same step
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_leader, daemon=True).start()
    # What goes wrong here goes wrong for the leader too, who says it; a lost connection is the leader's end.
    with contextlib.suppress(PellucidError), _meeting(meeting, rank, ranks):
        follow(Team(rank, ranks), what)


def _end_with_leader() -> None:
    leader = multiprocessing.parent_process()
    assert leader is not None
    leader.join()
    os._exit(1)
