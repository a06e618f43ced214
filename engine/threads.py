"""How many threads torch uses, and how they wait for one another: settled in the environment before torch is loaded.

OpenMP reads both when it is loaded and never again, so this imports nothing heavy. torch's wheels bring GNU's libgomp,
whose threads spin for 3 ms at every barrier before they sleep. On a core that something else wants, the spinning thread
keeps away the one it waits for, and a forward pass of this size has hundreds of barriers; threads that sleep at once
give way. `python -m offbook.harness.trials.threads_benchmark` measures it. How busy the machine is decides nothing.
"""

import math
import os
import sys
from collections.abc import Collection, MutableMapping
from pathlib import Path

WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")  # of any OpenMP, of GNU's, of LLVM's and Intel's
COUNTS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def settle_threads(
    environ: MutableMapping[str, str] | None = None,
    *,
    loaded: Collection[str] = sys.modules,
    quota: Path = CGROUP_QUOTA,
) -> None:
    """Sets what the user has not: threads that sleep while they wait, and no more of them than a container may run.

    OpenMP itself counts the cores that the process may run on, but knows no quota. Once torch is loaded, nothing is
    set: it would be recorded and not be so.
    """
    environ = os.environ if environ is None else environ
    if "torch" in loaded:
        return
    if not any(name in environ for name in WAITING):
        environ["OMP_WAIT_POLICY"] = "PASSIVE"
    cores, allowed = _affinity(), usable_cores(quota)
    if cores and allowed and allowed < cores and not any(name in environ for name in COUNTS):
        environ["OMP_NUM_THREADS"] = str(allowed)


def run_settled(module: str) -> None:
    """Starts a module that loads torch where it is imported once more, unless its environment is settled already."""
    environ = dict(os.environ)
    settle_threads(environ, loaded=())
    if environ != dict(os.environ):
        os.execve(sys.executable, [sys.executable, "-m", module, *sys.argv[1:]], environ)


def usable_cores(quota: Path = CGROUP_QUOTA) -> int | None:
    """How many cores this process may keep busy: those it may run on, or fewer where a container's quota is less."""
    cores = _affinity()
    if cores is None:
        return None
    try:
        share, period = quota.read_text(encoding="ascii").split()
        return cores if share == "max" else max(1, min(cores, math.ceil(int(share) / int(period))))
    except (OSError, ValueError):  # no quota here, or told otherwise
        return cores


def _affinity() -> int | None:
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):  # no such call here
        return None
