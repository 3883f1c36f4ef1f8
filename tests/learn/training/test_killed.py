"""Killed with -9 at random moments and started again with the same command, a run ends with the same bits. [C4]

These tests run the command line in processes of its own. A server that has torch imported forks them, so that each
begins at once.
"""

import multiprocessing
import os
import random
import signal
import time

import pytest

torch = pytest.importorskip("torch")

from pellucid.learn.training.checkpoints import newest_good, read_state  # noqa: E402
from pellucid.learn.training.state import weights_hash  # noqa: E402
from tests.learn.training.tiny import command, logged, recipe_file  # noqa: E402

STEPS, INTERVAL = 160, 20


@pytest.fixture
def start(tmp_path, crops):
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["tests.learn.training.tiny", "pellucid.learn.training.loop", "tensorboardX"])
    recipe = str(recipe_file(tmp_path))

    def start(run, *more):
        changes = [f"--set={change}" for change in (f"steps={STEPS}", f"checkpoint_steps={INTERVAL}")]
        arguments = ["train", recipe, "--data", str(crops), "--run", str(run), "--threads", "1", *changes, *more]
        process = server.Process(target=command, args=(arguments, str(run) + ".out"))
        process.start()
        return process

    return start


def wait_for(run, process, step):
    """Until this step is in the log, or the process has ended."""
    while process.is_alive() and not ((run / "log.jsonl").exists() and step in logged(run, "loss")):
        time.sleep(0.001)


def hash_of(run):
    return weights_hash(newest_good(run / "checkpoints")[0])


def finish(process):
    process.join(300)
    assert process.exitcode == 0


def test_killed_at_random_moments(tmp_path, start):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    finish(start(whole))
    moments = sorted(random.sample(range(1, STEPS), 3))
    print("killed at", moments)
    saved = 0
    for moment in moments:
        process = start(broken)
        wait_for(broken, process, moment)
        time.sleep(random.random() * 0.005)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        newest, _ = newest_good(broken / "checkpoints")
        saved = 0 if newest is None else newest["step"]
        assert max(logged(broken, "loss")) - saved <= INTERVAL
    finish(start(broken))
    assert hash_of(broken) == hash_of(whole)
    assert logged(broken, "began")[-1] == saved  # nothing else was repeated
    assert logged(broken, "loss") == list(range(1, STEPS + 1))


def test_killed_before_anything_is_saved(tmp_path, start):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    finish(start(whole, "--steps=30"))
    process = start(broken, "--steps=30")
    while process.is_alive() and not (broken / "recipe.yaml").exists():
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    finish(start(broken, "--steps=30"))
    assert hash_of(broken) == hash_of(whole)


def test_control_c_saves_and_says_how_to_go_on(tmp_path, start):
    run = tmp_path / "run"
    process = start(run)
    wait_for(run, process, 30)
    os.kill(process.pid, signal.SIGINT)
    process.join(60)
    assert process.exitcode == 130
    state, _ = newest_good(run / "checkpoints")
    last = (tmp_path / "run.out").read_text().splitlines()[-1]
    assert last == f"pellucid: stopped and saved after step {state['step']}; the same command goes on"
    assert state["step"] >= 30
    finish(start(run))
    finish(start(run))
    words = (tmp_path / "run.out").read_text()
    assert f"{run} is finished: {STEPS} steps" in words and f"{run} was finished: {STEPS} steps" in words
    assert f"weights {weights_hash(read_state(run / 'checkpoints' / f'step_{STEPS:09d}.state'))}" in words
