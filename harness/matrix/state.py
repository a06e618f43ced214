"""What of a plan is done: trials by the ledger and the records it names, artifacts that are whole.

Read from the folder, never kept. A commit that a killed process began is finished before the ledger is asked.
"""

import functools
import os
from pathlib import Path

from offbook.harness.artifacts.manifest import artifact_folder, check, declared
from offbook.harness.matrix.graph import TRIALS, Graph, Stage
from offbook.harness.records.ledger import Ledger, Line


def is_done(stage: Stage, folder: Path) -> bool:
    """Whether a run's folder holds what a stage makes, undamaged."""
    if stage.kind in TRIALS:
        return _ledger(folder).has_trial(stage.key, lambda line: (folder / "records" / _file(line)).is_file())
    return _is_made(stage, folder)


def has_ended(stage: Stage, folder: Path) -> bool:
    """Whether a stage that was just done has left its result; files that were just listed are not read again."""
    if stage.kind in TRIALS:
        return is_done(stage, folder)
    return declared(artifact_folder(folder, stage.kind, stage.key), stage.key)


def done(graph: Graph, folder: Path) -> set[str]:
    """Keys of the stages that are done."""
    ledger = _ledger(folder)
    ledger.lines()  # before the look at the files, which come first
    there = _records(folder)

    def test(stage: Stage) -> bool:
        if stage.kind in TRIALS:
            return ledger.has_trial(stage.key, lambda line: _file(line) in there)
        return _is_made(stage, folder)

    return {stage.key for stage in graph.stages if test(stage)}


def _is_made(stage: Stage, folder: Path) -> bool:
    return check(artifact_folder(folder, stage.kind, stage.key), stage.key) is None


def _ledger(folder: Path) -> Ledger:
    """The ledger of a run, with nothing under way; one object a folder, which reads what is new."""
    if any((folder / "pending").glob("[!.]*.json")):
        from offbook.harness.records.store import Store  # which takes as long as all else that a worker imports

        Store(folder).recover()
    return _cached(folder)


_cached = functools.lru_cache(maxsize=16)(Ledger)


def _records(folder: Path) -> set[str]:
    """The names of all records' files, in one look."""
    try:
        return set(os.listdir(folder / "records"))  # noqa: PTH208 (a Path of each takes ten times as long)
    except FileNotFoundError:
        return set()


def _file(line: Line) -> str:
    return f"{line.stem}.json"
