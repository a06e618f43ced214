"""A store under SIGKILL at every executed line, and under errors of the disk at every operation; then it goes on.

    python -m tests.chaos.store_points [--step 1] [--only "a commit"]

Committing, replacing, recovering, retiring and upgrading are done by forks of this process that kill themselves at
their n-th line, or whose n-th operation fails. The next process does the same again: nothing is lost, doubled or torn.
"""

import argparse
import errno
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.chaos.crash_points import killed_at
from tests.chaos.disk_faults import ERRORS, NOT_REACHED, disturb, restore
from tests.chaos.store_scenes import SCENES, Scene, faults, fresh, untouched

# Whose lines count; see `crash_points`.
FILES = (
    "engine/files.py",
    "harness/records/journal.py",
    "harness/records/ledger.py",
    "harness/records/store.py",
    "harness/trials/upgrade.py",
)


def points(place: Path, step: int = 1, only: Sequence[str] | None = None) -> tuple[int, list[str]]:
    """Disturbs every scene, or those of these names, at every `step`-th point.

    Returns:
        How often, and what was wrong after the next process.
    """
    disturbed, found = 0, list[str]()
    for number, scene in enumerate(scene for scene in SCENES if not only or scene.name in only):
        template = place / f"{number}"
        template.parent.mkdir(exist_ok=True)
        folder = fresh(scene, template, place / f"{number}-first")
        same = untouched(scene, template)
        for how, disturb_at in _ways():
            for point in range(step, 100_000, step):
                folder = fresh(scene, template, place / f"{number}-{how.replace(' ', '-')}-{point}")
                if not disturb_at(scene, folder, point):
                    break
                disturbed += 1
                found += [f"{scene.name}, {how} {point}: {fault}" for fault in faults(scene, folder, same)]
    return disturbed, found


def _ways() -> Iterator[tuple[str, Callable[[Scene, Path, int], bool]]]:
    yield "killed at line", lambda scene, folder, line: killed_at(line, FILES, lambda: scene.do(folder))
    for error in ERRORS:
        yield (
            f"{errno.errorcode[error]} at operation",
            lambda scene, folder, operation, error=error: failed_at(operation, error, lambda: scene.do(folder)),
        )


def failed_at(operation: int, error: int, do: Callable[[], object]) -> bool:
    """Whether a fork that does something has so many operations, of which the last fails.

    Raises:
        AssertionError: it ended with something else than that error.
    """
    if child := os.fork():
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status in (0, 2, NOT_REACHED), f"status {status} after {errno.errorcode[error]} at operation {operation}"
        return status != NOT_REACHED
    count, status = 0, 70

    def tick(name: object) -> None:
        nonlocal count
        count += 1
        if count == operation:
            raise OSError(error, os.strerror(error), os.fspath(name) if isinstance(name, str | os.PathLike) else None)

    before = disturb(tick)
    try:
        do()
        status = 0
    except (OSError, ValueError) as raised:
        cause = raised if isinstance(raised, OSError) else raised.__cause__  # of a file that cannot be read
        status = 2 if isinstance(cause, OSError) and cause.errno == error and "\n" not in str(raised) else 71
    finally:
        restore(before)
        os._exit(NOT_REACHED if count < operation else status)


def main() -> int:
    """See the module; 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--only", nargs="*", choices=[scene.name for scene in SCENES])
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        disturbed, found = points(Path(place), chosen.step, chosen.only)
    print(f"{disturbed} points, {len(found)} faults", *found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
