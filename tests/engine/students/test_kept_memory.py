"""Memory is kept between passes and given back behind the last one."""

import platform
import subprocess
import sys

import pytest

# In a process of its own: one whose heap nobody else has used, and whose limits nobody else meets afterwards.
FREED = """
import resource, sys
from offbook.engine.students.kept_memory import kept_memory

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

def once():
    blocks = [bytearray(b"x") * 2**22 for _ in range(32)]
    del blocks

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    once()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

with kept_memory():
    once()
    again, kept = faults(), resident()
print(again, kept - resident())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's memory is kept")
def test_freed_memory_is_used_again_without_asking_for_it_and_given_back_in_the_end() -> None:
    done = subprocess.run([sys.executable, "-c", FREED], capture_output=True, text=True, check=True)
    again, given_back = (int(number) for number in done.stdout.split())
    pages = 32 * 2**22 // 4096
    assert again < pages / 4
    assert given_back > 16 * 2**22
