"""Each contender deleted in turn, in a copy of the tree, and the rest run: `nox -s deletion`.

    python -m tests.deletion.campaign [--summary results/deletion.md] [--lines results/deletion.jsonl] [--only NAME ...]
        [--keep]

A contender is its folder or file, its entry in the roster, and the tests that name it. Of what is left every module is
imported, the direction of imports is checked, the roster is listed, and tests are run that exercise what contenders
share: those of `TESTS`, without the ones that name it, or that read a profile, which names nearly all.

What came of each is appended to the lines as soon as it is there, and none is deleted again of which they hold that of
this very code (`CODE`, as it is committed): this can be stopped, gone on with, and run side by side. With `--keep` none
is that broke nothing in any code; the page tells of each which commit and machine that was. `--only` without a
name deletes nothing and writes the page anew.
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

from offbook.harness.records.manifest import machine_line
from offbook.harness.roster.command_line import process_manifest
from tests.campaign_lines import commits, counts, last_of_each, machines, origin
from tests.deletion.contenders import ROOMS, ROSTERS, SKIPPED, Entrant, entrants, naming_tests, without
from tests.json_lines import Line, append, read

ROOT = Path(__file__).resolve().parents[2]
CODE = (*ROOMS, "src", "tests", "pyproject.toml")
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


def main() -> int:
    """Runs all; 1 where something broke."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--summary", type=Path, default=None)
    parser.add_argument("--lines", type=Path, default=Path("deletion.jsonl"))
    every = {entrant.path.stem: entrant for entrant in entrants(ROOT)}
    parser.add_argument("--only", nargs="*", choices=sorted(every), default=sorted(every))
    parser.add_argument("--keep", action="store_true", help="none again that another commit has shown")
    chosen = parser.parse_args()
    here = origin(CODE, machine_line(process_manifest()))

    def found() -> list[Line]:
        titles = {title(entrant) for entrant in every.values()}
        last = last_of_each(read(chosen.lines), lambda line: line["deleted"])
        lines = (line for line in last if line["deleted"] in titles and counts(line, here, keep=chosen.keep))
        return sorted(lines, key=lambda line: line["deleted"])

    for name in chosen.only:
        if title(every[name]) in {line["deleted"] for line in found()}:
            continue
        line = {**here, **delete(every[name])}
        append(chosen.lines, line)
        print(row(line), flush=True)
        if not line["right"]:
            print(line["told"], flush=True)
    lines = found()  # those that others have added meanwhile among them
    if chosen.summary is not None:
        chosen.summary.write_text(summary(lines, len(every)), encoding="utf-8")
    return int(any(not line["right"] for line in lines))


def title(entrant: Entrant) -> str:
    """What pages call it."""
    return f"`{entrant.path}`"


def delete(entrant: Entrant) -> Line:
    """One contender deleted, the rest run: what came of it, and all that was said where something broke."""
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
    return {
        "deleted": title(entrant),
        "deleted_tests": len(named),
        "steps": {**said, **{name: f"BROKEN: {_last(done.stderr or done.stdout)}" for name, done in bad.items()}},
        "seconds": round(time.monotonic() - start),
        "right": not bad,
        "told": "\n".join(done.stdout[-4000:] + done.stderr[-4000:] for done in bad.values()),
    }


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


def summary(lines: Sequence[Line], entrants: int) -> str:
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
            f"{len(lines)} of {entrants} were deleted; {sum(not line['right'] for line in lines)} broke something.",
            "",
            "| deleted | tests too | all modules import | lint-imports | `offbook ls` | tests of the rest | s | at |",
            "|---|---|---|---|---|---|---|---|",
            *map(row, lines),
            "",
            *machines(lines, lambda line: line["deleted"]),
            "",
        ]
    )


def row(line: Line) -> str:
    """Of the page."""
    cells = [
        line["deleted"],
        str(line["deleted_tests"]),
        *line["steps"].values(),
        str(line["seconds"]),
        commits([line]),
    ]
    return f"| {' | '.join(cells)} |"


def _last(text: str) -> str:
    lines = text.strip().splitlines() or ["nothing"]
    return lines[-1].partition(" in ")[0].strip("= ").replace("|", "/")


if __name__ == "__main__":
    sys.exit(main())
