"""One clock, one counter, one gauge for every contender.

On CUDA the clock waits for the device before it reads the time; peak memory is the allocator's there, and on a CPU the
process's high-water mark, which is reset per prompt on Linux.
"""

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import nn

if sys.platform != "win32":
    import resource


class Clock:
    """Seconds by label, and the time since it was made."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.seconds: dict[str, float] = {}
        self._start = self.now()

    def lap(self) -> "Clock":
        """A clock of the same device that starts here."""
        return Clock(self.device)

    def now(self) -> float:
        """Monotonic seconds, with the device's queue drained."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    @contextlib.contextmanager
    def measure(self, label: str) -> Iterator[None]:
        """Adds the block's seconds to `seconds[label]`."""
        start = self.now()
        yield
        self.seconds[label] = self.seconds.get(label, 0.0) + self.now() - start

    def elapsed(self) -> float:
        """Seconds since the clock was made."""
        return self.now() - self._start


class CallCounter:
    """Counts forward calls of modules while the context is open."""

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        self.calls = 0
        self._modules = modules
        self._handles: list[torch.utils.hooks.RemovableHandle] = []

    def __enter__(self) -> "CallCounter":
        self._handles = [m.register_forward_pre_hook(self._count) for m in self._modules]
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _count(self, *_: object) -> None:
        self.calls += 1


def reset_peak(device: torch.device) -> None:
    """Starts a new high-water mark where the platform allows it."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif sys.platform == "linux":
        with contextlib.suppress(OSError):  # a hardened kernel: the mark is then the process's, as ru_maxrss is
            Path("/proc/self/clear_refs").write_text("5")


def peak_bytes(device: torch.device) -> int:
    """High-water mark since `reset_peak`: allocated bytes on CUDA, resident bytes of the process on a CPU."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    if sys.platform == "linux":
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        import psutil  # which accelerate brings along

        return int(psutil.Process().memory_info().peak_wset)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
