"""What of a plan is done: trials whose records are there, artifacts that are whole. Read from the folder, never kept.

trials/<key12>.json     which records a trial left
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from offbook.engine.files import atomic_write_text
from offbook.harness.artifacts.manifest import artifact_folder, check
from offbook.harness.matrix.graph import TRIALS, Graph, Stage

RECORDS = ("records",)


def is_done(stage: Stage, folder: Path) -> bool:
    """Whether a run's folder holds what a stage makes, undamaged."""
    return _is_done(folder)(stage)


def done(graph: Graph, folder: Path) -> set[str]:
    """Keys of the stages that are done."""
    test = _is_done(folder)
    return {stage.key for stage in graph.stages if test(stage)}


def note(folder: Path, trial: str, keys: Iterable[str]) -> None:
    """Writes down which records a trial left, or found there: two trials may come to the same cells.

    With one of them gone, the trial is not done, and is run again.
    """
    names = [
        path.relative_to(folder).as_posix()
        for key in keys
        for place in RECORDS
        for path in (folder / place).glob(f"*-{key[:12]}.json")
    ]
    text = json.dumps({"trial": trial, "records": sorted(names)}, indent=1)
    atomic_write_text(_note(folder, trial), text + "\n")


def _is_done(folder: Path) -> Callable[[Stage], bool]:
    def test(stage: Stage) -> bool:
        if stage.kind in TRIALS:
            return _noted(folder, stage.key)
        return check(artifact_folder(folder, stage.kind, stage.key), stage.key) is None

    return test


def _noted(folder: Path, trial: str) -> bool:
    """Whether a trial's records are all there; a note that does not parse is none."""
    try:
        found = json.loads(_note(folder, trial).read_bytes())
        return found["trial"] == trial and all((folder / name).is_file() for name in found["records"])
    except (OSError, ValueError, TypeError, KeyError):
        return False


def _note(folder: Path, trial: str) -> Path:
    return folder / "trials" / f"{trial[:12]}.json"
