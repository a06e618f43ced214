"""What is wrong with a run's folder beside its records: its plan, its artifacts, its failures."""

from collections.abc import Iterator
from pathlib import Path

from offbook.harness.artifacts.manifest import NAME, artifact_folder, check
from offbook.harness.matrix.failures import damaged
from offbook.harness.matrix.graph import PLAN, TRIALS, Graph
from offbook.harness.matrix.state import done


def findings(folder: Path, *, again: bool = False) -> list[str]:
    """A line for each.

    Args:
        folder: of the run, or of records alone.
        again: read every file of an artifact, whatever was remembered.
    """
    found = list[str]()
    made: dict[Path, str] = {}
    try:
        if (folder / PLAN).is_file():
            made = _made(Graph.read(folder), folder)
    except ValueError as error:
        found.append(str(error))
    found += _damaged(folder, made, again=again)
    return found + damaged(folder)


def _made(graph: Graph, folder: Path) -> dict[Path, str]:
    """Folders of artifacts that something which is done was made with, and so were whole once, with their keys."""
    try:
        needed = graph.needed_by(done(graph, folder))
    except ValueError:  # the ledger, which is told as damage of the records
        return {}
    stages = [graph.stage(key) for key in needed]
    return {artifact_folder(folder, s.kind, s.key): s.key for s in stages if s.kind not in TRIALS}


def _damaged(folder: Path, made: dict[Path, str], *, again: bool) -> Iterator[str]:
    """Artifacts that have the list of their files or had it once; one that was never finished is no damage."""
    there = {path.parent for path in (folder / "artifacts").glob(f"[!.]*/{NAME}")}
    for place in sorted(there | made.keys()):
        key = made.get(place, place.name.rpartition("-")[2])
        if (problem := check(place, key, again=again)) is not None:
            yield problem
