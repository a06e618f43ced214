"""`offbook status`: how far a run is, what it does now and how fast, what failed why, and how to go on."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from offbook.harness.cli.as_json import AsJson, print_json
from offbook.harness.cli.console import terminal
from offbook.harness.cli.options import path_or_none

if TYPE_CHECKING:
    from offbook.harness.matrix.status import Status


def status(
    folder: Annotated[
        Path | None,
        typer.Argument(callback=path_or_none, help="Of a run: where its plan.json is; by default all below runs/."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell how far a run is.

    Stages done, failed and pending by kind; what is running, its rate and the time left; what failed why; what the time
    was spent on; and the command that goes on. Without a folder: a line for each run below runs/. Exit status 1 where
    something failed.
    """
    from offbook.harness.cli.exits import FOUND_WANTING

    found = _all(as_json=as_json) if folder is None else _one(folder, as_json=as_json)
    if any(status.failed for status in found):
        raise typer.Exit(FOUND_WANTING)


def _one(folder: Path, *, as_json: bool) -> "list[Status]":
    from offbook.harness.matrix.status import status as read
    from offbook.harness.records.spent import read as read_spent
    from offbook.harness.records.spent import told

    found, spent = read(folder), read_spent(folder)
    if as_json:
        print_json(folder=str(folder), **_json(found), spent_s=sum(each.wall_s for each in spent))
    else:
        typer.echo("\n".join([*found.lines(), *told(spent)]))
    return [found]


def _all(*, as_json: bool) -> "list[Status]":
    """A line for each run below runs/, the last one first; what cannot be read is told on standard error."""
    from rich.markup import escape
    from rich.table import Table

    from offbook.harness.artifacts.folders import RUNS
    from offbook.harness.matrix.graph import PLAN
    from offbook.harness.matrix.pace import spell
    from offbook.harness.matrix.status import status as read

    plans = sorted(RUNS.glob(f"*/{PLAN}"), key=lambda plan: plan.stat().st_mtime, reverse=True)
    found: dict[Path, Status] = {}
    for plan in plans:
        try:
            found[plan.parent] = read(plan.parent)
        except ValueError as error:
            typer.echo(f"{plan.parent}: {error}", err=True)
    if as_json:
        print_json(runs=[{"folder": str(folder), **_json(status)} for folder, status in found.items()])
        return [*found.values()]
    if not found:
        typer.echo(f"no run below {RUNS}/; `offbook run` and `offbook evaluate` make one", err=True)
        return []
    shown = Table("Run", "Done", "Failed", "Pending", "Running", "Left", "How to go on", title="Runs, the last first")
    for folder, status in found.items():
        count, pace = status.total, status.pace
        left = "-" if pace.left_s is None else spell(pace.left_s)
        at_work = bool(pace.running or pace.at_work)
        go_on = "at work" if at_work else pace.go_on or "done"
        numbers = (f"{count.done} of {count.expected}", str(count.failed), str(count.pending), str(len(pace.running)))
        shown.add_row(escape(str(folder)), *numbers, left, escape(go_on))
    terminal().print(shown)
    return [*found.values()]


def _json(found: "Status") -> dict[str, Any]:
    from offbook.harness.tables.tables_json import count_json

    pace = found.pace
    return {
        "kinds": {kind: count_json(count) for kind, count in found.kinds.items()},
        "total": count_json(found.total),
        "running": [
            {
                "key": each.stage.key,
                "kind": each.stage.kind,
                "title": each.stage.title,
                "holder": each.claim.holder(),
                "elapsed_s": each.elapsed_s,
                "done": each.claim.done,
                "total": each.claim.total,
                "per_s": each.per_s,
                "left_s": each.left_s,
            }
            for each in pace.running
        ],
        "failed": [
            {"key": stage.key, "title": stage.title, "error": last.error, "reason": last.reason, "attempts": attempts}
            for stage, last, attempts in found.failed
        ],
        "blocked": found.blocked,
        "damaged": found.damaged,
        "left_s": pace.left_s,
        "unknown": pace.unknown,
        "at_work": pace.at_work,
        "go_on": pace.go_on,
    }
