"""Memory that was freed is taken again without new pages from the system."""

import platform
import subprocess
import sys

import pytest

SCRIPT = """
import ctypes, resource, sys
from pellucid.freed_memory import keep_freed_memory

c = ctypes.CDLL(None)
c.malloc.restype, c.malloc.argtypes, c.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]

def step():
    blocks = [c.malloc(2**23) for _ in range(8)]  # 8 MB each, 16384 pages in all
    for block in blocks:
        ctypes.memset(block, 1, 2**23)
    for block in reversed(blocks):
        c.free(block)

if sys.argv[1] == "keep":
    keep_freed_memory()
for _ in range(3):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def pages_of_a_step(how):
    return int(subprocess.run([sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_a_step_takes_the_memory_of_the_one_before():
    assert pages_of_a_step("keep") < 1000 < pages_of_a_step("give back")
