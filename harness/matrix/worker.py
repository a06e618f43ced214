"""Does one stage of a run: what every executor calls, with nothing but the folder and the key.

It takes the stage only when what it needs is there and nobody else does it, does it through `runners`, and looks into
the folder whether it is done. A failure becomes a record before it is raised; a signal leaves no trace but what the
stage itself keeps to go on from.
"""

import time
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from offbook.engine.progress import Progress
from offbook.harness.matrix.claims import claimed
from offbook.harness.matrix.failures import fail, failures_of
from offbook.harness.matrix.graph import Graph, Stage
from offbook.harness.matrix.noted import Noted
from offbook.harness.matrix.runners import RUNNERS, runner
from offbook.harness.matrix.state import has_ended, is_done
from offbook.harness.matrix.units import measure
from offbook.harness.records.spent import CLOCK, Spent, note, since, spending

ATTEMPTS = 3


class Outcome(Enum):
    """What came of it; the value is the exit status of `offbook work`."""

    DONE = 0
    LATER = 75  # somebody else does it, or what it needs is not there: EX_TEMPFAIL of sysexits.h


def work(
    folder: Path,
    key: str,
    *,
    progress: Progress,
    device: str = "auto",
    attempts: int = ATTEMPTS,
    runners: Mapping[str, str] = RUNNERS,
) -> Outcome:
    """Does the stage of a key.

    Args:
        folder: of the run.
        key: of the stage.
        progress: where it reports to.
        device: to compute on.
        attempts: how many failures there may be, with those of earlier processes.
        runners: who does which kind of stage.

    Raises:
        ValueError: no such stage; or it has failed too often.
        Exception: whatever it failed with, which is recorded.
    """
    graph = Graph.read(folder)
    return attempt(
        graph, graph.stage(key), folder, progress=progress, device=device, attempts=attempts, runners=runners
    )


def attempt(
    graph: Graph,
    stage: Stage,
    folder: Path,
    *,
    progress: Progress,
    device: str,
    attempts: int,
    runners: Mapping[str, str],
) -> Outcome:
    """See `work`; of a plan that was read before."""
    if is_done(stage, folder):
        return Outcome.DONE
    for need in map(graph.stage, stage.needs):
        if not is_done(need, folder):
            progress.say(f"{stage.title}: waits for {need.title}")
            return Outcome.LATER
    earlier = failures_of(folder, stage.key)
    if len(earlier) >= attempts:
        last = earlier[-1]
        msg = (
            f"{stage.title}: expected fewer than {attempts} failures, got {len(earlier)}, the last with {last.error}: "
            f"{last.reason}; see to it, then run it with --attempts {len(earlier) + 1}"
        )
        raise ValueError(msg)
    noted = Noted(progress)
    with claimed(folder, stage.key, noted) as holder:
        if holder is not None:
            progress.say(f"{stage.title}: {holder.holder()} does it")
            return Outcome.LATER
        if not is_done(stage, folder):  # else whoever held it has just done it
            _do(stage, folder, noted, device, runners)
    return Outcome.DONE


def _do(stage: Stage, folder: Path, progress: Progress, device: str, runners: Mapping[str, str]) -> None:
    began, before = time.perf_counter(), CLOCK.totals()
    try:
        with spending("imports"):
            function = runner(stage.kind, runners)
        function(stage, folder, progress, device=device)
        assert has_ended(stage, folder), f"{stage.title} ended without its result"
    except Exception as error:
        fail(folder, stage.key, type(error).__name__, str(error) or type(error).__name__)
        raise
    name, units = measure(stage)
    wall_s = time.perf_counter() - began
    note(folder, Spent(key=stage.key, kind=stage.kind, name=name, units=units, wall_s=wall_s, seconds=since(before)))
