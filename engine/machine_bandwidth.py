"""How fast this machine reads memory: the floor under a decoding step, which reads every weight once.

bytes_per_s = read_bandwidth()
"""

import functools
import time

import torch

BUFFER_BYTES = 512 * 2**20  # far beyond every cache
REPEATS = 5


def read_bandwidth(repeats: int = REPEATS) -> float:
    """Bytes per second of summing a large fp32 buffer on as many threads as torch uses; the best of `repeats`."""
    buffer = torch.ones(BUFFER_BYTES // 4)
    return BUFFER_BYTES / min(_seconds(buffer) for _ in range(repeats))


@functools.cache
def bandwidth_here() -> float:
    """`read_bandwidth`, read once a process."""
    return read_bandwidth()


def _seconds(buffer: torch.Tensor) -> float:
    start = time.perf_counter()
    buffer.sum()
    return time.perf_counter() - start
