"""Runs a plan: rehearses it, does what is missing, and keeps the tables behind it. Every command that measures is this.

What has been made is found again by its key, so that a run which was interrupted, at whatever moment, goes on where it
was, with the same command.
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from offbook.engine.progress import Progress as Told
from offbook.harness.matrix import making
from offbook.harness.matrix.estimates import COMMITTED, Estimates
from offbook.harness.matrix.executors.choose import Executor
from offbook.harness.matrix.executors.in_process import InProcess
from offbook.harness.matrix.executors.schedule import Tally, run_graph
from offbook.harness.matrix.executors.watched import Watched
from offbook.harness.matrix.failures import damaged
from offbook.harness.matrix.features import drop_features
from offbook.harness.matrix.graph import PLAN, TRIALS, Graph, Stage
from offbook.harness.matrix.other_arms import replaced
from offbook.harness.matrix.progress import progress
from offbook.harness.matrix.rehearsal import rehearse
from offbook.harness.matrix.sinks import reporting
from offbook.harness.matrix.state import done
from offbook.harness.matrix.worker import ATTEMPTS
from offbook.harness.records.locks import locked
from offbook.harness.records.spent import note
from offbook.harness.records.store import Store
from offbook.harness.settings.sink import SinkKind
from offbook.harness.tables.progress import FailureRow, Progress
from offbook.harness.tables.write import Writer, Written


class Ran(NamedTuple):
    """What became of a plan; done + failed + pending = its stages."""

    done: int
    failed: list[FailureRow]
    pending: int
    tables: Written


def run_plan(
    graph: Graph,
    folder: Path,
    told: Told,
    *,
    device: str = "auto",
    executor: Executor | None = None,
    sink: SinkKind | None = None,
) -> Ran:
    """Does what of a plan is missing in a folder.

    Args:
        graph: the plan.
        folder: of the run; made when the rehearsal is over.
        told: is told how far it is.
        device: auto, cpu or cuda.
        executor: where; in this process by default.
        sink: an experiment tracker that is told of every trial.

    Raises:
        ValueError: what would be refused by one of the stages, before any begins.
        Exception: what the only stage that failed in this process has failed with.
    """
    executor = executor or Executor(kind="in-process")
    pool = executor.pool(graph, folder, told, device=device)
    watched = Watched(pool)
    graph = Estimates(folder, COMMITTED).on(graph)
    there = done(graph, folder)
    replaced(graph, there, folder)
    if executor.here and len(there) < len(graph):
        rehearse(graph, there, making.session(folder, device), told)
    if not isinstance(pool, InProcess):
        making.session.cache_clear()  # the memory is for those who work
    for problem in damaged(folder):
        told.say(problem)
    with locked(folder, "run", told.say), reporting(sink, folder, told) as report:
        there = done(graph, folder)  # whoever had the folder may have done some of it
        again = replaced(graph, there, folder)
        undone = [stage for stage in graph.of_kind(*TRIALS) if stage.key not in there]
        _retire_rests([*undone, *(Graph.read(folder).stage(key) for key in again)], folder, told)
        attempts = 1 if isinstance(pool, InProcess) else ATTEMPTS  # the same process would make the same mistake again
        for line in again.values():
            told.say(line)
        tally, tables = _do(graph, folder, told, watched, report, before=len(there), attempts=attempts)
    errors = pool.errors if isinstance(pool, InProcess) else {}
    if len(tally.failed) == 1 and set(errors) >= set(tally.failed):
        raise errors[next(iter(tally.failed))]
    failed = [
        FailureRow(title=graph.stage(key).title, error=last.error, reason=last.reason, attempts=last.attempt)
        for key, last in tally.failed.items()
    ]
    return Ran(tally.done, failed, tally.pending, tables)


def _retire_rests(undone: Sequence[Stage], folder: Path, told: Told) -> None:
    """What a trial that lost a record has left would be damage in every table until it is run again."""
    store = Store(folder)
    for stage in undone:
        for name in store.retire_rest(stage.key):
            told.say(f"{name}: expected the record of a line of the ledger, found none; {stage.title} is run again")


def _do(
    graph: Graph,
    folder: Path,
    told: Told,
    watched: Watched,
    report: Callable[[Stage], None],
    *,
    before: int,
    attempts: int,
) -> tuple[Tally, Written]:
    """The stages, of which so many were done before, and the tables behind them."""
    _with_earlier(graph, folder).write(folder)
    tables = Writer(Store(folder), folder)

    def far() -> Progress | None:
        return progress(folder)

    def then(stage: Stage) -> None:
        if stage.kind in TRIALS:
            tables.update(far)
            report(stage)

    try:
        tables.finish(far)
        tally = run_graph(graph, folder, watched, progress=told, attempts=attempts, then=then)
        drop_features(graph, folder)
        if tally.done > before:
            _with_earlier(graph, folder).write(folder)  # without the heats that others have replaced
    except BaseException:
        with contextlib.suppress(Exception):  # what stopped the run is told, not what this makes of it
            tables.finish(far)
        raise
    else:
        return tally, tables.finish(far)
    finally:
        making.session.cache_clear()
        note(folder, watched.outside())


def _with_earlier(graph: Graph, folder: Path) -> Graph:
    """A plan and what earlier ones have left in the folder, whose records stand in its tables too."""
    if not (folder / PLAN).is_file():
        return graph
    earlier = Graph.read(folder)
    known, finished = {stage.key for stage in graph.stages}, done(earlier, folder)
    others = [stage for stage in earlier.stages if stage.key in finished - known]
    there = known | finished  # what something was made with may be damaged since, and nobody makes it again
    cut = [replace(stage, needs=tuple(need for need in stage.needs if need in there)) for stage in others]
    return Graph(stages=(*cut, *graph.stages))
