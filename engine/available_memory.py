"""How much memory processes may still take: what the system has left, or a container. Imports nothing heavy."""

from pathlib import Path

MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")


def available_bytes(meminfo: Path = MEMINFO, cgroup: Path = CGROUP) -> int | None:
    """Bytes that a process may still take without pushing another out; None where nobody says."""
    return min((found for found in (_of_system(meminfo), _of_container(cgroup)) if found is not None), default=None)


def _of_system(meminfo: Path) -> int | None:
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
        return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)
    except (OSError, ValueError):  # not Linux
        return None


def _of_container(cgroup: Path) -> int | None:
    try:
        limit = (cgroup / "memory.max").read_text(encoding="ascii").strip()
        if limit == "max":
            return None
        used = int((cgroup / "memory.current").read_text(encoding="ascii"))
        return max(0, int(limit) - used + _copies_of_files(cgroup))
    except (OSError, ValueError):  # no container, or one that says it otherwise
        return None


def _copies_of_files(cgroup: Path) -> int:
    """What counts as used and is given up at once for who needs it."""
    try:
        lines = (cgroup / "memory.stat").read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("inactive_file ")), 0)
