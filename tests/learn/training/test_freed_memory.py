"""Memory that was freed is taken again without new pages from the system."""

import platform
import subprocess
import sys

import pytest

pytest.importorskip("torch")

SCRIPT = """
import resource, sys
import torch
from pellucid.learn.training.freed_memory import keep_freed_memory

def pages():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def step():
    return [torch.ones(2**20) for _ in range(8)]  # 4 MB each, 8192 pages in all

if sys.argv[1] == "keep":
    keep_freed_memory()
for _ in range(4):
    step()
before = pages()
step()
print(pages() - before)
"""


def pages_of_a_step(how):
    return int(subprocess.run([sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_a_step_takes_the_memory_of_the_one_before():
    assert pages_of_a_step("keep") < 4096
