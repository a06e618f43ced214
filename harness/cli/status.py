"""`offbook status`: how far a run is, who does what, and what failed why."""

from pathlib import Path
from typing import Annotated

import typer


def status(folder: Annotated[Path, typer.Argument(help="Of a run: where its plan.json is.")]) -> None:
    """Tell how far a run is.

    Stages done, failed and pending by kind, who does which just now, what failed why, and what the time was spent
    on. Exit status 1 where something
    failed.
    """
    from offbook.harness.cli.exits import FOUND_WANTING
    from offbook.harness.matrix.status import status as read
    from offbook.harness.records.spent import read as read_spent
    from offbook.harness.records.spent import told

    found = read(folder)
    typer.echo("\n".join([*found.lines(), *told(read_spent(folder))]))
    if found.failed:
        raise typer.Exit(FOUND_WANTING)
