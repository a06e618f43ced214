"""How far a run is, for its tables: the counts of `offbook status`, its failures, and what is not there yet."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from offbook.harness.matrix.failures import Failure, failures
from offbook.harness.matrix.graph import PLAN, Graph, Stage
from offbook.harness.matrix.state import done
from offbook.harness.matrix.status import counts
from offbook.harness.records.student import UNTOUCHED
from offbook.harness.roster.target import short_name
from offbook.harness.tables.progress import FailureRow, MissingCell, MissingExam, Progress


def progress(folder: Path) -> Progress | None:
    """Reads a run's folder; None where it has no plan, as a store that somebody filled otherwise.

    Raises:
        ValueError: something in it cannot be read.
    """
    if not (folder / PLAN).is_file():
        return None
    graph = Graph.read(folder)
    return progress_of(graph, done(graph, folder), failures(folder))


def progress_of(graph: Graph, finished: set[str], attempts: Mapping[str, list[Failure]]) -> Progress:
    """The same of a plan whose state is known."""
    undone = [stage for stage in graph.stages if stage.key not in finished]
    return Progress(
        kinds=counts(graph, finished, attempts),
        failures=tuple(_failure(stage, attempts[stage.key]) for stage in undone if stage.key in attempts),
        cells=tuple(cell for stage in undone if stage.kind == "heat" for cell in _cells(stage.spec)),
        exams=tuple(_exam(stage.spec) for stage in undone if stage.kind == "exam"),
    )


def _failure(stage: Stage, attempts: list[Failure]) -> FailureRow:
    last = attempts[-1]
    return FailureRow(title=stage.title, error=last.error, reason=last.reason, attempts=len(attempts))


def _cells(spec: dict[str, Any]) -> Iterator[MissingCell]:
    """One an arm of a heat."""
    for arm in spec["arms"]:
        yield MissingCell(
            **_who(spec["model"]),
            decoder=arm["decoder"],
            made_for="" if arm["drafter"] is None and arm["drafter_sha256"] is None else arm["made_for"],
            suite=spec["suite"]["name"],
            temperature=spec["sampling"]["temperature"],
            seed=spec["seed"],
        )


def _exam(spec: dict[str, Any]) -> MissingExam:
    return MissingExam(**_who(spec["model"]))


def _who(model: dict[str, Any]) -> dict[str, Any]:
    student = model["student"] or {"name": UNTOUCHED, "seed": 0}
    return {"model": short_name(model["name"]), "student": student["name"], "training_seed": student["seed"]}
