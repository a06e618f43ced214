"""`offbook verify`: everything that is wrong with a folder of records."""

from pathlib import Path
from typing import Annotated

import typer

from offbook.harness.cli.options import path_or_none


def verify(folder: Annotated[Path, typer.Argument(callback=path_or_none, help="A folder with records.")]) -> None:
    """Check every record of a folder against its hashes, its rows and its heat.

    Each thing that is wrong has a line; exit status 1 where something is. What is wrong stands in no table either.
    """
    from offbook.harness.cli.exits import FOUND_WANTING
    from offbook.harness.records.store import Store
    from offbook.harness.records.verify import verify as check
    from offbook.harness.tables.report import check_store

    store = Store(folder)
    check_store(store.root)
    found = check(store)
    for finding in found.findings:
        typer.echo(finding)
    typer.echo(f"{len(found.cells)} cells and {len(found.exams)} exams read, {len(found.findings)} findings", err=True)
    if found.findings:
        raise typer.Exit(FOUND_WANTING)
