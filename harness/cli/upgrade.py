"""`offbook upgrade`: records of an older form become records of this one."""

from pathlib import Path
from typing import Annotated

import typer

from offbook.engine.progress import progress as bar
from offbook.harness.cli.console import resumable
from offbook.harness.cli.options import path_or_none


def upgrade(
    folder: Annotated[Path, typer.Argument(callback=path_or_none, help="A folder with records of schema 1.")],
) -> None:
    """Turn older records into this version's, in place.

    Nothing is run or scored again. An interrupted upgrade goes on with the same command; a folder that is up to date
    stays as it is. Write the tables anew with `offbook report` then.
    """
    from offbook.harness.tables.report import check_store
    from offbook.harness.trials.upgrade import upgrade as turn

    check_store(folder)
    with bar() as progress, resumable():
        done = turn(folder, progress)
    for name, reason in done.without_clusters.items():
        typer.echo(f"{name}: rows without their clusters: {reason}", err=True)
    typer.echo(f"{done.cells} cells and {done.exams} exams upgraded", err=True)
