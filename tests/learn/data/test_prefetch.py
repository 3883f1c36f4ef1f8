"""Prefetching changes no batch and no order, keeps its bound, passes errors on, and ends."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
import torch

from pellucid.learn.data import prefetch as module
from pellucid.learn.data.batches import Batches
from pellucid.learn.data.degradations import Bicubic
from pellucid.learn.data.prefetch import Prefetched


def test_batches_come_in_order_and_unchanged(database):
    stream = Batches(database, 4, 12, 3, Bicubic(3))
    with Prefetched(stream.batch_at, first=5) as ahead:
        for step in range(5, 12):
            assert all(torch.equal(a, b) for a, b in zip(next(ahead), stream.batch_at(step), strict=True))


def test_no_more_than_asked_is_made_ahead():
    made, third = [], threading.Event()

    def make(step):
        made.append(step)
        if len(made) == 3:
            third.set()
        return step

    with Prefetched(make, ahead=2) as ahead:
        assert third.wait(10)  # two in the queue, one in hand
        assert not threading.Event().wait(0.1) and made == [0, 1, 2]
        assert [next(ahead), next(ahead)] == [0, 1]


def test_an_error_reaches_the_trainer_after_the_batches_before_it():
    def make(step):
        if step == 2:
            raise ValueError("the third")
        return step

    with Prefetched(make) as ahead:
        assert [next(ahead), next(ahead)] == [0, 1]
        for _ in range(2):
            with pytest.raises(ValueError, match="the third"):
                next(ahead)


def test_the_share_of_waiting_is_measured(monkeypatch):
    clock = iter([10.0, 13.0, 14.0])  # asked at 10, answered at 13, looked at 14
    with Prefetched(lambda step: step) as ahead:
        assert ahead.waited_share == 0
        monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=clock.__next__))
        next(ahead)
        assert ahead.waited_share == 3 / 4


def test_pauses_are_no_time_in_which_it_could_be_waited(monkeypatch):
    clock = iter([10.0, 13.0, 114.0])  # asked at 10, answered at 13, looked at 114, after a validation of 100
    with Prefetched(lambda step: step) as ahead:
        ahead.pause(50.0)  # nobody has asked yet
        monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=clock.__next__))
        next(ahead)
        ahead.pause(100.0)
        assert ahead.waited_share == 3 / 4


def test_closing_ends_the_thread_and_leaves_torch_as_it_was():
    before = torch.get_num_threads(), threading.active_count()
    ahead = Prefetched(lambda step: torch.ones(8) @ torch.ones(8))
    next(ahead)
    threads_of_another = []
    another = threading.Thread(target=lambda: threads_of_another.append(torch.get_num_threads()))
    another.start()
    another.join()
    assert torch.get_num_threads() == threads_of_another[0] == before[0]
    ahead.close()
    ahead.close()
    assert threading.active_count() == before[1]
