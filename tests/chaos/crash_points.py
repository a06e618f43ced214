"""SIGKILL at every line that a worker executes while it claims, commits and finalises; then the run goes on.

    python -m tests.chaos.crash_points [--step 1]

Each worker is a fork of this process, which counts its own lines and kills itself at the n-th.
"""

import argparse
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from offbook.engine.progress import Silent
from offbook.harness.matrix.worker import work
from tests.chaos.judge import faults, resume
from tests.chaos.tiny import TINY, content, planned, stage

STAGES = (stage("a"), stage("b", "a", fails=1), stage("c", "a", "b"))
# Whose lines count. What they call below, the standard library, changes the disk in system calls alone, and what is
# before or after one of those is between lines of these.
FILES = (
    "engine/files.py",
    "harness/artifacts/manifest.py",
    "harness/matrix/claims.py",
    "harness/matrix/failures.py",
    "harness/matrix/state.py",
    "harness/matrix/worker.py",
    "tests/chaos/tiny.py",
)


def crash_points(place: Path, step: int = 1) -> tuple[int, list[str]]:
    """Kills a worker of each of three stages, of which one fails at first, at every `step`-th line.

    Returns:
        How many were killed, and what was wrong after their runs went on.
    """
    whole = place / "whole"
    planned(whole, STAGES)
    resume(whole)
    expected, killed, found = content(whole, planned(whole, STAGES)), 0, list[str]()
    for number, target in enumerate(STAGES):
        line = 0
        while True:
            line += step
            folder = fresh(place / f"{number}-{line}", number)
            if not is_killed(folder, target.key, line):
                break
            killed += 1
            resume(folder)
            found += [f"{target.title}, line {line}: {fault}" for fault in faults(folder, expected)]
    return killed, found


def fresh(folder: Path, number: int) -> Path:
    """A run whose first stages are done."""
    if number:
        planned(folder, STAGES[:number])
        resume(folder)
    planned(folder, STAGES)
    return folder


def is_killed(folder: Path, key: str, line: int) -> bool:
    """A worker that kills itself at its `line`-th line, or ends before that."""

    def do() -> None:
        with contextlib.suppress(OSError):  # of the stage that fails at first
            work(folder, key, progress=Silent(), runners=TINY)

    return killed_at(line, FILES, do)


def killed_at(line: int, files: tuple[str, ...], do: Callable[[], object]) -> bool:
    """Whether a fork that does something kills itself at its `line`-th line in these files, or ends before that."""
    if child := os.fork():
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.endswith(files):
            return None
        if event == "line":
            count += 1
            if count == line:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    try:
        do()
    finally:
        os._exit(0)


def main() -> int:
    """See the module; 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--step", type=int, default=1)
    with tempfile.TemporaryDirectory() as place:
        killed, found = crash_points(Path(place), parser.parse_args().step)
    print(f"{killed} points, {len(found)} faults", *found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
