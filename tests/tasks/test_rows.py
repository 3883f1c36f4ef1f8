"""What all tasks share: one ceiling for all that is computed at once, and threads that end."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import pellucid
from pellucid.errors import ResourceError
from pellucid.picture import PictureInfo
from pellucid.tasks.rows import Options, memory_for, through
from tests.small_models import superres_model

H, W = 30, 400


@pytest.fixture
def grey(tmp_path):
    return pellucid.load(superres_model(tmp_path / "grey.safetensors", channels=1))


def least_for(network, streams=1, **options) -> int:
    """The least ceiling, in millionths of which the refusal tells it."""
    with pytest.raises(ResourceError, match="memory ceiling is too low") as refused:
        memory_for(network, H, W, Options(memory=1, **options), streams)
    return int(str(refused.value.expected).removeprefix("at least ").partition("M")[0]) * 10**6


@pytest.mark.parametrize(("channels", "jobs"), [(1, 1), (3, 1), (1, 2), (3, 4)])
def test_streams_and_jobs_share_the_ceiling(grey, monkeypatch, channels, jobs):
    given = []
    stream_blocks = grey.stream_blocks

    def noted(*arguments):
        given.append(arguments[-1])
        return stream_blocks(*arguments)

    monkeypatch.setattr(grey, "stream_blocks", noted)
    memory = 48_000_000
    rows = np.random.default_rng(0).random((H, W, channels), np.float32)
    options = Options(threads=1, memory=memory, jobs=jobs)
    result = np.concatenate(list(through(grey, iter([rows]), PictureInfo(H, W, channels), options)))
    assert given == [memory // (channels * jobs)] * channels
    one_by_one = [grey.run(np.ascontiguousarray(rows[None, ..., c : c + 1]))[0] for c in range(channels)]
    np.testing.assert_array_equal(result, np.concatenate(one_by_one, axis=2))


def test_a_share_that_does_not_do_is_refused_with_the_least_that_would(grey):
    for streams, jobs in ((3, 1), (1, 5), (3, 5)):
        least = least_for(grey, streams, threads=1, jobs=jobs)
        assert memory_for(grey, H, W, Options(threads=1, memory=least, jobs=jobs), streams) == least // (streams * jobs)
        with pytest.raises(ResourceError, match=f"{streams * jobs} times at once; seen: .* bytes; expected: at least"):
            memory_for(grey, H, W, Options(threads=1, memory=least - 2 * 10**6, jobs=jobs), streams)
    with pytest.raises(ResourceError, match=r"hint: with one job \d+M do"):
        memory_for(grey, H, W, Options(memory=1, jobs=2))
    assert memory_for(grey, H, W, Options(jobs=2), 3) is None


def test_a_second_interruption_does_not_tear_the_thread_out(tmp_path):
    """In a program of one's own, where KeyboardInterrupt comes out of `join` too."""
    script = """
    import os, signal, threading, time
    from pellucid.tasks.rows import ahead

    busy = True

    def blocks():
        global busy
        yield None, None
        time.sleep(0.5)
        busy = False
        yield None, None

    def twice():
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)

    try:
        for k, _ in enumerate(ahead(blocks())):
            if k == 0:
                threading.Thread(target=twice).start()
    except KeyboardInterrupt:
        print(busy)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    deaf = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.default_int_handler)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, **deaf)
    assert (done.stdout, done.stderr) == ("False\n", "")
