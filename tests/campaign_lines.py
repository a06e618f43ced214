"""What long campaigns found, a line each, with the commit whose code it was and the machine it was found on.

A line is there as soon as something is found (`tests.json_lines`). So a campaign can be stopped and gone on with, and
run in pieces, one after the other or side by side; whoever tells what was found reads the lines of all pieces.
"""

import hashlib
import subprocess
from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path

from tests.gates.base_revision import ROOT, revision
from tests.json_lines import Line


def origin(paths: Sequence[str], machine: str) -> Line:
    """What every line of a run says: a hash of the code that it hangs on, the commit, the machine.

    Raises:
        SystemExit: the code here is no commit's.
    """
    if files := changed(paths):
        msg = (
            f"expected the code of a commit, for every line tells whose it is; got changes, commit them first:\n{files}"
        )
        raise SystemExit(msg)
    commit = revision("HEAD")
    return {"code": code_of(commit, paths), "commit": commit, "machine": machine}


def code_of(commit: str, paths: Sequence[str], root: Path = ROOT) -> str:
    """A hash of what a commit has at these paths."""
    trees = ["git", "-C", str(root), "rev-parse", *(f"{commit}:{path}" for path in paths)]
    done = subprocess.run(trees, capture_output=True, text=True, check=True)
    return hashlib.sha256(done.stdout.encode()).hexdigest()[:16]


def changed(paths: Sequence[str], root: Path = ROOT) -> str:
    """What of it differs from the commit; empty for nothing."""
    status = ["git", "-C", str(root), "status", "--porcelain", "--", *paths]
    return subprocess.run(status, capture_output=True, text=True, check=True).stdout.strip()


def counts(line: Line, here: Line, *, keep: bool) -> bool:
    """Whether a line is of this very code; to `keep` what other code has shown, also one of that which is right."""
    return bool(line.get("code") == here["code"] or (keep and line["right"]))


def last_of_each(lines: Iterable[Line], key: Callable[[Line], Hashable]) -> list[Line]:
    """Of lines on the same thing the last, in the order of these."""
    found: dict[Hashable, Line] = {}
    for line in lines:
        found.pop(key(line), None)
        found[key(line)] = line
    return [*found.values()]


def commits(lines: Iterable[Line]) -> str:
    """Those whose code it was."""
    return ", ".join(dict.fromkeys(str(line["commit"])[:12] for line in lines if "commit" in line))


def machines(lines: Iterable[Line], what: Callable[[Line], str]) -> list[str]:
    """Each machine, and what was found on it."""
    found: dict[str, dict[str, None]] = {}
    for line in lines:
        found.setdefault(str(line.get("machine", "a machine that the line does not tell")), {})[what(line)] = None
    return [f"- {machine}: {', '.join(there)}." for machine, there in found.items()]
