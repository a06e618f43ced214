"""Memory that a training frees is kept for its next pass, not given back to the system and asked for again.

A pass frees its activations, hundreds of megabytes, and the next one needs as many. glibc gives what is free at the
heap's end back to the system, and takes blocks from a size on from the system each by itself: every page of either is
then zeroed and mapped again in every pass. Inside `kept_memory` glibc gives nothing back, and keeps blocks of up to
32 MiB, the most it can, on its heap. Afterwards all that is free is given back, and glibc's limits are those that it
comes to by itself in a process that has freed such blocks.

With another C library nothing changes. On a GPU torch keeps memory itself.
"""

import contextlib
import ctypes
import platform
from collections.abc import Iterator

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h
NEVER = -1
LARGEST_MMAP = 32 * 2**20  # as high as glibc's own adaptation goes
LARGEST_TRIM = 2 * LARGEST_MMAP


@contextlib.contextmanager
def kept_memory() -> Iterator[None]:
    """See the module."""
    if platform.libc_ver()[0] != "glibc":
        yield
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(M_MMAP_THRESHOLD, LARGEST_MMAP)
    libc.mallopt(M_TRIM_THRESHOLD, NEVER)
    try:
        yield
    finally:
        libc.mallopt(M_TRIM_THRESHOLD, LARGEST_TRIM)
        libc.malloc_trim(ctypes.c_size_t(0))
