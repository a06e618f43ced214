"""The tree to compare with: a commit of this checkout, laid out in a folder of its own.

Which one: `--base` or OFFBOOK_GATES_BASE where given; else what this branch has in common with the main one; the commit
before where that is this very commit and nothing is changed. Main is `origin/main`, or `main` where there is no such
branch. There is none in an export without git, in a shallow clone (`git fetch --unshallow` gets the rest) and behind
the first commit: then nothing is measured.
"""

import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = "OFFBOOK_GATES_BASE"
MAIN = ("origin/main", "main")
LEFT_OUT = ":(exclude)results"


class NothingMeasuredError(Exception):
    """There is nothing to compare with, and why."""


def base_revision(root: Path = ROOT, named: str | None = None) -> str:
    """The commit to compare with.

    Raises:
        NothingMeasuredError: there is none.
    """
    if _git(root, "rev-parse", "--show-prefix") != "":  # an export inside of another checkout is none
        msg = f"{root} is no git checkout; clone the repository"
        raise NothingMeasuredError(msg)
    head = _git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if named:
        return revision(named, root)
    mains = [branch for branch in MAIN if _git(root, "rev-parse", "--verify", "--quiet", branch)]
    common = _git(root, "merge-base", "HEAD", mains[0]) if mains else None
    if common and (common != head or _git(root, "status", "--porcelain", "--untracked-files=no")):
        return common
    if before := _git(root, "rev-parse", "--verify", "--quiet", "HEAD~1"):
        return before
    msg = "no commit before this one is here; fetch the history (`git fetch --unshallow`), or name one with --base"
    raise NothingMeasuredError(msg)


def revision(name: str, root: Path = ROOT) -> str:
    """A commit of this checkout by any name.

    Raises:
        NothingMeasuredError: there is none.
    """
    if found := _git(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"):
        return found
    msg = f"expected a base revision of this clone, got {name!r}; fetch it, or name another"
    raise NothingMeasuredError(msg)


def lay_out(commit: str, folder: Path, root: Path = ROOT) -> None:
    """Writes the tree of a commit, but for its results, into a folder."""
    archive = ("git", "-C", str(root), "archive", "--format=tar", commit, "--", ".", LEFT_OUT)
    data = subprocess.run(archive, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=BytesIO(data)) as tree:
        tree.extractall(folder, filter="data")  # the rooms of src/offbook are links inside of it


def _git(root: Path, *arguments: str) -> str | None:
    """What git says; None where it fails or is not there."""
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
