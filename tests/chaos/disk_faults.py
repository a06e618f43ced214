"""A full disk, an error of the disk and a missing permission at every file operation of a worker; then the run goes on.

    python -m tests.chaos.disk_faults [--step 1]

Each worker is a fork of this process whose n-th operation fails: opening, writing, syncing, linking, renaming, removing
or making a folder.
"""

import argparse
import errno
import io
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from offbook.harness.cli.work import main as work
from offbook.harness.matrix.runners import RUNNERS
from tests.chaos.crash_points import STAGES, fresh
from tests.chaos.judge import faults, resume
from tests.chaos.tiny import TINY, content, planned

ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES)
CALLS = ("open", "fsync", "link", "rename", "replace", "unlink", "mkdir")


def disk_faults(place: Path, step: int = 1) -> tuple[int, list[str]]:
    """Lets every `step`-th operation of a worker of each stage fail, with each error.

    Returns:
        How many failed, and what was wrong: then, or after the run went on.
    """
    whole = place / "whole"
    planned(whole, STAGES)
    resume(whole)
    expected, injected, found = content(whole, planned(whole, STAGES)), 0, list[str]()
    for number, target in enumerate(STAGES):
        for error in ERRORS:
            operation = 0
            while True:
                operation += step
                folder = fresh(place / f"{number}-{error}-{operation}", number)
                told = place / "told"
                status = failing(folder, target.key, operation, error, told)
                if status == NOT_REACHED:
                    break
                injected += 1
                name = f"{target.title}, {errno.errorcode[error]} at operation {operation}"
                said = told.read_text()
                if status not in (0, 2) or said.count("\n") > 1 or (status and "offbook: error: " not in said):
                    found.append(f"{name}: status {status}: {said[-300:]}")
                resume(folder)
                found += [f"{name}: {fault}" for fault in faults(folder, expected)]
    return injected, found


NOT_REACHED = 99


def failing(folder: Path, key: str, operation: int, error: int, told: Path) -> int:
    """A worker's exit status whose n-th operation fails; `NOT_REACHED` where it has fewer."""
    told.write_text("")
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    signal.alarm(60)
    os.dup2(os.open(told, os.O_WRONLY), 2)
    RUNNERS.update(TINY)
    count = 0
    status: object = 70

    def tick(name: object) -> None:
        nonlocal count
        count += 1
        if count == operation:
            raise OSError(error, os.strerror(error), os.fspath(name) if isinstance(name, str | os.PathLike) else None)

    before = disturb(tick)
    try:
        work([str(folder), key])
    except SystemExit as end:
        status = end.code
    finally:
        restore(before)
        os._exit(NOT_REACHED if count < operation else int(str(status)))


def disturb(tick: Callable[[object], None]) -> dict[str, Any]:
    """Has `tick` called before every operation; returns what was there."""
    before: dict[str, Any] = {name: getattr(os, name) for name in CALLS}
    before["io.open"] = io.open

    class Raw(io.FileIO):
        def write(self, data: Any) -> int:
            try:
                tick(self.name)
            except OSError:
                super().write(bytes(data)[: len(data) // 2])  # as much as there was room for
                raise
            return super().write(data) or 0

    def opened(file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if str(file).startswith(("/proc", "/sys", "/dev")):
            return before["io.open"](file, mode, *arguments, **options)
        tick(file)
        if "b" in mode and "+" not in mode and "r" not in mode:
            return io.BufferedWriter(Raw(file, mode.replace("b", "")))
        if mode == "r+b" and arguments[:1] == (0,):
            return Raw(file, "r+")
        return before["io.open"](file, mode, *arguments, **options)

    def disturbed(call: Any) -> Any:
        def called(name: Any, *arguments: Any, **options: Any) -> Any:
            tick(name)
            return call(name, *arguments, **options)

        return called

    for name in CALLS:
        setattr(os, name, disturbed(before[name]))
    io.open = opened  # type: ignore[assignment]
    return before


def restore(before: dict[str, Any]) -> None:
    """Undoes `disturb`."""
    for name in CALLS:
        setattr(os, name, before[name])
    io.open = before["io.open"]


def main() -> int:
    """See the module; 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--step", type=int, default=1)
    with tempfile.TemporaryDirectory() as place:
        injected, found = disk_faults(Path(place), parser.parse_args().step)
    print(f"{injected} operations failed, {len(found)} faults", *found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
