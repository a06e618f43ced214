"""Memory for weights that are read from end to end in every step: in huge pages, where the system gives them.

A page of 4 KiB ends where the processor's own prefetching ends, and every next one has to be looked up; a huge one has
2 MiB. Linux gives them to who asks (`transparent_hugepage` is "madvise" on most distributions).
"""

import contextlib
import mmap

import torch

CHUNK = 32 << 20
ALIGNMENT = 64  # bytes; a line of the cache


class WeightMemory:
    """Chunks of memory that are filled from their beginning; a tensor in one keeps it alive."""

    def __init__(self) -> None:
        self._chunk = torch.empty(0, dtype=torch.uint8)
        self._used = 0

    def put(self, data: torch.Tensor) -> torch.Tensor:
        """A copy of the bytes (any shape, uint8), contiguous and aligned."""
        size = data.numel()
        if self._used + size > self._chunk.numel():
            self._chunk, self._used = _huge(max(size, CHUNK)), 0
        place = self._chunk[self._used : self._used + size].view(data.shape)
        self._used += -(-size // ALIGNMENT) * ALIGNMENT
        return place.copy_(data)


def _huge(size: int) -> torch.Tensor:
    """Bytes that no page is behind before they are written."""
    if not hasattr(mmap, "MADV_HUGEPAGE"):  # another system, whose pages are its own affair
        return torch.empty(size, dtype=torch.uint8)
    chunk = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with contextlib.suppress(OSError):  # a kernel without them
        chunk.madvise(mmap.MADV_HUGEPAGE)
    return torch.frombuffer(chunk, dtype=torch.uint8)
