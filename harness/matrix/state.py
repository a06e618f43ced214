"""What of a plan is done: trials that the ledger names, artifacts that are whole. Read from the folder, never kept."""

import json
from collections.abc import Callable
from pathlib import Path

from offbook.harness.artifacts.manifest import artifact_folder, check
from offbook.harness.matrix.graph import TRIALS, Graph, Stage


def is_done(stage: Stage, folder: Path) -> bool:
    """Whether a run's folder holds what a stage makes, undamaged."""
    return _is_done(folder)(stage)


def done(graph: Graph, folder: Path) -> set[str]:
    """Keys of the stages that are done; the ledger is read once for all of them."""
    test = _is_done(folder)
    return {stage.key for stage in graph.stages if test(stage)}


def _is_done(folder: Path) -> Callable[[Stage], bool]:
    trials = _committed(folder / "ledger.jsonl")

    def test(stage: Stage) -> bool:
        if stage.kind in TRIALS:
            return stage.key in trials
        return check(artifact_folder(folder, stage.kind, stage.key), stage.key) is None

    return test


def _committed(ledger: Path) -> set[str]:
    """Trials with a line in the ledger; a last line that was torn off is none."""
    if not ledger.is_file():
        return set()
    *lines, _ = ledger.read_bytes().split(b"\n")
    return {json.loads(line)["trial"] for line in lines}
