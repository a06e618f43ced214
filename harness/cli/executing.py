"""What commands that run plans share: where stages run, the plan told, and what became of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from offbook.harness.cli.as_json import print_json
from offbook.harness.cli.flags import parse_named

if TYPE_CHECKING:
    from offbook.harness.matrix.estimates import Estimate
    from offbook.harness.matrix.executors.choose import Executor, Kind
    from offbook.harness.matrix.graph import Graph, Stage
    from offbook.harness.matrix.running import Ran


def executor_of(
    kind: "Kind", *, workers: int | None, ray_address: str | None, slurm: Sequence[str] | None
) -> "Executor":
    """The executor that the flags name.

    Raises:
        ValueError: a parameter of another shape, or one of another executor.
    """
    from offbook.harness.matrix.executors.choose import Executor

    given = parse_named(slurm or [], flag="--slurm")
    return Executor(kind=kind, workers=workers, ray_address=ray_address, slurm=given)


def tell_plan(graph: "Graph", folder: Path, *, as_json: bool = False) -> None:
    """The stages of a plan on standard output: what is there, and what the others may take.

    Raises:
        ValueError: a heat that would drop arms of one in the folder.
    """
    from offbook.harness.matrix.estimates import COMMITTED, Estimates, told, told_rest
    from offbook.harness.matrix.other_arms import replaced
    from offbook.harness.matrix.state import done

    rates, there = Estimates(folder, COMMITTED), done(graph, folder)
    again, expected = replaced(graph, there, folder), [rates.of(each) for each in graph.stages]
    if as_json:
        stages = [_stage(each, own, done=each.key in there) for each, own in zip(graph.stages, expected, strict=True)]
        print_json(folder=str(folder), stages=stages)
    else:
        for stage, estimate in zip(graph.stages, expected, strict=True):
            typer.echo(told(stage, estimate, done=stage.key in there))
    for line in again.values():
        typer.echo(line, err=True)
    left = [estimate for stage, estimate in zip(graph.stages, expected, strict=True) if stage.key not in there]
    typer.echo(f"{len(graph)} stages, {len(there)} of them there already{told_rest(left)}", err=True)


def failed_lines(ran: "Ran", folder: Path) -> None:
    """What failed, and how many stages came to what, on standard error."""
    for failure in ran.failed:
        typer.echo(f"failed: {failure.title}: {failure.error}: {failure.reason}", err=True)
    counted = f"{ran.done} done, {len(ran.failed)} failed, {ran.pending} pending"
    typer.echo(f"{counted}; records and tables in {folder}", err=True)


def failed_json(ran: "Ran") -> dict[str, Any]:
    """The same for programs."""
    failed = [
        {"title": each.title, "error": each.error, "reason": each.reason, "attempts": each.attempts}
        for each in ran.failed
    ]
    return {"done": ran.done, "failed": failed, "pending": ran.pending}


def _stage(stage: "Stage", estimate: "Estimate", *, done: bool) -> dict[str, Any]:
    return {
        "key": stage.key,
        "kind": stage.kind,
        "title": stage.title,
        "needs": list(stage.needs),
        "done": done,
        "seconds": estimate.seconds,
        "peak_bytes": estimate.peak_bytes,
        "measured": estimate.measured,
    }
