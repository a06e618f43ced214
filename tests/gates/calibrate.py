"""Runs the time gates with the committed tree on both sides, again and again, and writes what they tell.

    python -m tests.gates.calibrate [--runs N] [--slowdown 1.05] [--file FILE] [--page PAGE]

Every run is appended as soon as it is done, so this can be stopped and gone on with at any time, on any machine; files
of several machines are put behind one another. Without runs it only writes the page.
"""

import argparse
import datetime
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from offbook.engine.files import atomic_write_text
from offbook.harness.records.manifest import machine_line, manifest
from tests.gates.base_revision import ROOT, lay_out, revision
from tests.gates.calibration import report
from tests.gates.paired_run import CLUSTERS, QUADS, listed, run
from tests.json_lines import append, read


def main() -> None:
    """Runs, then writes the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=0)
    parser.add_argument("--slowdown", type=float, default=1.0, help="of one side, by busy work")
    parser.add_argument("--file", type=Path, default=ROOT / "results" / "gates_aa.jsonl")
    parser.add_argument("--page", type=Path, default=ROOT / "results" / "gates.md")
    chosen = parser.parse_args()
    commit = revision("HEAD")
    with tempfile.TemporaryDirectory(prefix="offbook-calibrate-") as folder:
        lay_out(commit, Path(folder))
        for number in range(chosen.runs):
            append(chosen.file, one(Path(folder), commit, chosen.slowdown))
            print(f"run {number + 1} of {chosen.runs}", flush=True)
    atomic_write_text(chosen.page, report(read(chosen.file)))


def one(tree: Path, commit: str, slowdown: float) -> dict[str, Any]:
    """One run, as a line of the file."""
    start, before = time.monotonic(), os.getloadavg()[0]
    found = run(tree, listed(), slowdown=slowdown, root=tree)
    return {
        "utc": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": commit,
        "machine": machine_line(manifest([], environ=os.environ)),
        "load": [round(before, 2), round(os.getloadavg()[0], 2)],
        "nice": os.nice(0),
        "seconds": round(time.monotonic() - start, 1),
        "slowdown": slowdown,
        "clusters": CLUSTERS,
        "quads": QUADS,
        "log_ratios": {
            gate: {clock: [round(log, 5) for log in logs] for clock, logs in clocks.items()}
            for gate, clocks in found.log_ratios.items()
        },
    }


if __name__ == "__main__":
    main()
