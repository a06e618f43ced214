"""Each contender deleted in turn, in a copy of the tree, and the rest run: `nox -s deletion`.

python -m tests.deletion.campaign [--summary results/deletion.md] [--only NAME]

A contender is its folder or file, its entry in the roster, and the tests that name it. Of what is left every module is
imported, the direction of imports is checked, the roster is listed, and tests are run that exercise what contenders
share: those of `TESTS`, without the ones that name it, or that read a profile, which names nearly all.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.deletion.contenders import ROSTERS, SKIPPED, Entrant, entrants, naming_tests, without

ROOT = Path(__file__).resolve().parents[2]
TESTS = (
    "tests/deletion/test_*.py",
    "tests/harness/roster/test_roster.py",
    "tests/harness/latent/test_measures.py",
    "tests/harness/matrix/test_plan.py",
    "tests/harness/matrix/test_matrix_run.py",
    "tests/harness/artifacts/test_train_student.py",
    "tests/controls/test_*.py",
    "tests/methods/test_*_equations.py",
    "tests/methods/test_*_alternatives.py",
    "tests/methods/test_jakiro*.py",
    "tests/baselines/test_[!e]*.py",
)
PROFILES = re.compile(r"profile", re.IGNORECASE)
IMPORT_ALL = """
import importlib, pkgutil, sys
import offbook
bad = []
for found in pkgutil.walk_packages(offbook.__path__, "offbook.", onerror=lambda name: bad.append(name)):
    if not found.name.endswith("__main__"):
        try:
            importlib.import_module(found.name)
        except Exception as error:
            bad.append(f"{found.name}: {type(error).__name__}: {error}")
sys.exit("\\n".join(bad) or 0)
"""


class Outcome(NamedTuple):
    """What came of one contender's deletion."""

    title: str
    deleted_tests: int
    steps: dict[str, str]
    seconds: float
    failed: bool
    told: str


def main() -> int:
    """Runs all; 1 where something broke."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--summary", type=Path, default=None)
    parser.add_argument("--only", default=None)
    chosen = parser.parse_args()
    outcomes = []
    for entrant in entrants(ROOT):
        if chosen.only in (None, entrant.path.stem):
            outcomes.append(outcome := delete(entrant))
            print(_line(outcome), flush=True)
            if outcome.failed:
                print(outcome.told, flush=True)
    if chosen.summary is not None:
        chosen.summary.write_text(summary(outcomes), encoding="utf-8")
    return int(any(outcome.failed for outcome in outcomes))


def delete(entrant: Entrant) -> Outcome:
    """One contender deleted, the rest run."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="offbook-deletion-") as place:
        root = Path(place) / "tree"
        copy(root)
        named = take_out(root, entrant)
        steps = {
            "imports": run(root, "python", "-c", IMPORT_ALL),
            "lint-imports": run(root, "lint-imports"),
            "ls": run(root, "python", "-m", "offbook.harness.cli", "ls"),
            "tests": run_tests(root, chosen_tests(root)),
        }
    said = {name: _last(done.stdout) if name == "tests" else "ok" for name, done in steps.items()}
    bad = {name: done for name, done in steps.items() if done.returncode}
    return Outcome(
        title=f"`{entrant.path}`",
        deleted_tests=len(named),
        steps={**said, **{name: f"BROKEN: {_last(done.stderr or done.stdout)}" for name, done in bad.items()}},
        seconds=time.monotonic() - start,
        failed=bool(bad),
        told="\n".join(done.stdout[-4000:] + done.stderr[-4000:] for done in bad.values()),
    )


def copy(root: Path) -> None:
    """The tree without what git does not keep."""
    shutil.copytree(ROOT, root, symlinks=True, ignore=shutil.ignore_patterns(*SKIPPED, ".*", "*.egg-info"))


def take_out(root: Path, entrant: Entrant) -> set[Path]:
    """Deletes a contender and returns the tests that went with it."""
    named = naming_tests(root, entrant)
    for path in named:
        (root / path).unlink()
    place = root / entrant.path
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    for file, table in ROSTERS.items():
        path = root / file
        path.write_text(without(path.read_text(encoding="utf-8"), table, entrant.names), encoding="utf-8")
    return named


def chosen_tests(root: Path) -> list[str]:
    """Files of `TESTS` that are left and read no profile."""
    files = (path for pattern in TESTS for path in sorted(root.glob(pattern)))
    return [
        path.relative_to(root).as_posix() for path in files if not PROFILES.search(path.read_text(encoding="utf-8"))
    ]


def run_tests(root: Path, files: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """The fast tests of these files."""
    print(f"    {len(files)} files of tests: {', '.join(files)}", flush=True)
    options = ("-q", "-n", "0", "-m", "not slow", "-p", "no:cacheprovider")
    return run(root, "pytest", *options, *files)


def run(root: Path, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A program of this environment on the copy."""
    environ = os.environ | {"PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"}
    command = [str(Path(sys.executable).with_name(program)), *arguments]
    return subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, check=False)


def summary(outcomes: Sequence[Outcome]) -> str:
    """The page."""
    return "\n".join(
        [
            "# Deletion",
            "",
            "Written by `nox -s deletion`. Each contender is deleted in a copy of the tree: its folder or file, its "
            "entry in the roster, the tests that name it. Of the rest every module is imported, import-linter runs, "
            "the roster is listed, and fast tests are run that exercise what contenders share: those of",
            "",
            ", ".join(f"`{pattern}`" for pattern in TESTS),
            "",
            "that neither name it nor read a profile: profiles name nearly every contender, and are edited when one "
            "goes. `autoregressive` is not deleted: everything is measured against it.",
            "",
            "| deleted | test files too | all modules import | lint-imports | `offbook ls` | tests of the rest | s |",
            "|---|---|---|---|---|---|---|",
            *map(_line, outcomes),
            "",
        ]
    )


def _line(outcome: Outcome) -> str:
    cells = [outcome.title, str(outcome.deleted_tests), *outcome.steps.values(), f"{outcome.seconds:.0f}"]
    return f"| {' | '.join(cells)} |"


def _last(text: str) -> str:
    lines = text.strip().splitlines() or ["nothing"]
    return lines[-1].partition(" in ")[0].strip("= ").replace("|", "/")


if __name__ == "__main__":
    sys.exit(main())
