"""All of chaos, and its summary: `nox -s chaos`.

python -m tests.chaos.campaign [--summary results/chaos.md] [--part tests.chaos.kills]
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

PYTEST = ("-m", "pytest", "-q", "-n", "0")
PARTS = {
    "SIGKILL at every executed line of claim, commit and finalise": ["-m", "tests.chaos.crash_points"],
    "ENOSPC, EIO and EACCES at every file operation": ["-m", "tests.chaos.disk_faults"],
    "A store: both, at every line and operation of commit, recovery, retirement and upgrade": [
        "-m",
        "tests.chaos.store_points",
    ],
    "SIGKILL at random: 4,000 stages, 6 racing workers": ["-m", "tests.chaos.kills"],
    "A finished run, damaged at random: every command that reads it, and the run that goes on": [
        "-m",
        "tests.chaos.corruptions",
    ],
    "Every command under a full disk, a read-only or removed folder, a second process, SIGTERM and SIGINT": [
        "-m",
        "tests.chaos.commands",
    ],
    "Local, Ray with 2 nodes, submitit: same keys, same bytes": [*PYTEST, "tests/chaos/test_executors_agree.py"],
    "2 students x 3 decoders x 3 suites x 2 seeds for real: in process, processes, Ray, submitit": [
        *PYTEST,
        "tests/chaos/test_real_matrix.py",
    ],
    "40 stages on Ray, 4 node kills, a driver kill": [*PYTEST, "tests/chaos/test_ray_nodes.py"],
}


HEAD = [
    "# Chaos",
    "",
    "Written by `nox -s chaos`. Tiny stages are done under faults, then the run goes on without. A fault is a "
    "stage that is lost, done in two versions or torn, an artifact that differs from that of a run without faults, "
    "a claim of nobody, or an error that is not told in one line; of a store, a record that is lost, doubled, torn "
    "or changed, a trial that is not done, or a file that belongs to nothing; of a damaged run, damage that nobody "
    "notices though it is not harmless, that reaches a table, or that is used and not made again.",
    "",
    "| | outcome | seconds | commit |",
    "|---|---|---|---|",
]


def main() -> int:
    """Runs every part, or those that are named; 1 where one found something."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--summary", type=Path, default=None, help="lines of parts that are not run stay as they are")
    parser.add_argument("--part", action="append", choices=[arguments[-1] for arguments in PARTS.values()])
    chosen = parser.parse_args()
    lines = {} if chosen.summary is None else _read(chosen.summary)
    bad = 0
    for title, arguments in PARTS.items():
        if chosen.part and arguments[-1] not in chosen.part:
            continue
        lines[title], found = _part(title, arguments)
        bad += found
        if chosen.summary is not None:  # a part takes up to hours, and what was found is kept
            told = [lines[name] for name in PARTS if name in lines]
            chosen.summary.write_text("\n".join([*HEAD, *told]) + "\n", encoding="utf-8")
    return 1 if bad else 0


def _part(title: str, arguments: list[str]) -> tuple[str, bool]:
    start = time.monotonic()
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    said = done.stdout.strip().splitlines() or ["nothing"]
    outcome = said[-1].partition(" in ")[0] if "pytest" in arguments else said[0]
    if done.returncode:
        outcome += f", status {done.returncode}"
    line = f"| {title} | {outcome} | {time.monotonic() - start:.0f} | {_commit()} |"
    print(line, *([done.stdout[-5000:], done.stderr[-5000:]] if done.returncode else []), sep="\n", flush=True)
    return line, bool(done.returncode)


def _commit() -> str:
    """Of this checkout, and whether anything but results was changed in it."""
    git = ["git", "rev-parse", "--short=12", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    changed = ["git", "diff", "--quiet", "HEAD", "--", ".", ":(exclude)results"]
    return f"{commit}, changed" if commit and subprocess.run(changed, check=False).returncode else commit or "unknown"


def _read(summary: Path) -> dict[str, str]:
    """Its lines, by their parts."""
    if not summary.is_file():
        return {}
    lines = summary.read_text(encoding="utf-8").splitlines()
    return {line.split(" | ")[0].removeprefix("| "): line for line in lines if line.startswith("| ")}


if __name__ == "__main__":
    sys.exit(main())
