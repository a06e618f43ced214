"""`offbook ls`: what there is, or what a store holds."""

from pathlib import Path
from typing import Annotated

import typer

from offbook.harness.cli.console import terminal
from offbook.harness.cli.options import path_or_none


def list_(
    store: Annotated[Path | None, typer.Argument(callback=path_or_none, help="A folder with records.")] = None,
) -> None:
    """List what there is, or what a store holds.

    Without a store: decoders, suites, profiles and models.
    """
    if store is None:
        from offbook.harness.cli.listing import listing

        typer.echo(listing())
    else:
        from offbook.harness.tables.listing import list_records

        list_records(store, console=terminal())
