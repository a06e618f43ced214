"""`offbook rescore`: a store's answers, scored again."""

from pathlib import Path
from typing import Annotated

import typer

from offbook.engine.progress import progress as bar
from offbook.harness.cli.as_json import AsJson, print_json
from offbook.harness.cli.console import resumable
from offbook.harness.cli.options import path_or_none


def rescore(
    store: Annotated[Path, typer.Argument(callback=path_or_none, help="A folder with records.")],
    as_json: AsJson = False,
) -> None:
    """Score the answers of a store again, without a model.

    Records and exams of an older version keep their texts, tokens and times, and get the scores that this version
    gives; each notes what it was made from. Suites whose documents are not at hand are left as they are, and named.
    Write the tables anew with `offbook report` then.
    """
    from offbook.harness.tables.report import check_store
    from offbook.harness.trials.rescore import rescore as score

    check_store(store)
    with bar() as progress, resumable():
        done = score(store, progress)
    if as_json:
        moves = [{"name": each.name, "before": each.before, "after": each.after} for each in done.moved]
        print_json(moved=moves, left=dict(done.left))
    else:
        for moved in done.moved:
            typer.echo(f"{moved.name}: {moved.before:.3f} -> {moved.after:.3f}")
    for name, reason in done.left.items():
        typer.echo(f"left as it is: {name}: {reason}", err=True)
    typer.echo(f"{len(done.moved)} scored again, {len(done.left)} left as they are", err=True)
