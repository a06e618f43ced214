"""Groups of cores, one for each process that may run at a time: no core is in two, so no thread waits for another's.

Where there are GPUs, each belongs to one group, and what a group may see of them is that one.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from offbook.engine.threads import COUNTS, usable_cores

CORES_A_GROUP = 4  # a small model gains little from more threads
GPU_VARIABLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True, kw_only=True)
class Group:
    """What one process may use.

    Attributes:
        cores: their numbers; empty where the system does not say.
        threads: how many threads it computes with.
        gpu: the GPU that it sees; None for what the caller sees.
    """

    cores: tuple[int, ...]
    threads: int
    gpu: str | None = None

    def environment(self) -> dict[str, str]:
        """The variables that hold a process to it."""
        found = {name: str(self.threads) for name in COUNTS}
        return found if self.gpu is None else {**found, GPU_VARIABLE: self.gpu}


def groups(count: int | None = None, *, gpus: Sequence[str] | None = None) -> list[Group]:
    """The machine in groups.

    Args:
        count: of groups; by default one a GPU, or one for every `CORES_A_GROUP` cores.
        gpus: names of the GPUs; by default all that this process may use.
    """
    gpus = visible_gpus() if gpus is None else gpus
    cores = _cores()
    usable = usable_cores() or os.cpu_count() or 1
    number = max(1, min(count or len(gpus) or usable // CORES_A_GROUP, usable))
    share = usable // number
    each = len(cores) // number
    return [
        Group(
            cores=tuple(cores[place * each : (place + 1) * each]),
            threads=share,
            gpu=gpus[place % len(gpus)] if gpus else None,
        )
        for place in range(number)
    ]


def whole_machine() -> Group:
    """Every core and GPU, for a stage that is alone."""
    return Group(cores=tuple(_cores()), threads=usable_cores() or os.cpu_count() or 1)


def visible_gpus() -> list[str]:
    """NVIDIA GPUs that this process may use, without loading what would use them."""
    told = os.environ.get(GPU_VARIABLE)
    if told is not None:
        return [name for name in told.split(",") if name.strip() not in ("", "-1")]
    found = (re.fullmatch(r"nvidia(\d+)", path.name) for path in Path("/dev").glob("nvidia*"))
    return [str(number) for number in sorted(int(match[1]) for match in found if match)]


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
