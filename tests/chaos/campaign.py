"""All of chaos, and its summary: `nox -s chaos`.

python -m tests.chaos.campaign [--summary results/chaos.md]
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
    "40 stages on Ray, 4 node kills, a driver kill": [*PYTEST, "tests/chaos/test_ray_nodes.py"],
}


def main() -> int:
    """Runs every part; 1 where one found something."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--summary", type=Path, default=None)
    chosen = parser.parse_args()
    lines = [
        "# Chaos",
        "",
        "Written by `nox -s chaos`. Tiny stages are done under faults, then the run goes on without. A fault is a "
        "stage that is lost, done in two versions or torn, an artifact that differs from that of a run without faults, "
        "a claim of nobody, or an error that is not told in one line; of a store, a record that is lost, doubled, torn "
        "or changed, a trial that is not done, or a file that belongs to nothing; of a damaged run, damage that nobody "
        "notices though it is not harmless, that reaches a table, or that is used and not made again.",
        "",
        "| | outcome | seconds |",
        "|---|---|---|",
    ]
    bad = 0
    for title, arguments in PARTS.items():
        start = time.monotonic()
        done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
        said = done.stdout.strip().splitlines() or ["nothing"]
        outcome = said[-1].partition(" in ")[0] if "pytest" in arguments else said[0]
        lines.append(f"| {title} | {outcome} | {time.monotonic() - start:.0f} |")
        print(lines[-1], flush=True)
        if done.returncode:
            bad += 1
            print(done.stdout[-5000:], done.stderr[-5000:], sep="\n", flush=True)
            lines[-1] += f" status {done.returncode} |"
    if chosen.summary is not None:
        chosen.summary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
