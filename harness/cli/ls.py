"""`offbook ls`: what there is, what it needs and what this machine can do; or what a store holds."""

from pathlib import Path
from typing import Annotated

import typer

from offbook.harness.cli.as_json import AsJson, print_json
from offbook.harness.cli.console import terminal
from offbook.harness.cli.options import path_or_none


def list_(
    store: Annotated[Path | None, typer.Argument(callback=path_or_none, help="A folder with records.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what there is, or what a store holds.

    Without a store: decoders and methods with what they need (drafters, other models, extras to install) and what
    training them took in the committed results; suites, profiles, models; and what this machine can do, as far as
    that is told at a glance: `--json` asks torch, which takes seconds.
    """
    if store is not None:
        _list_records(store, as_json=as_json)
        return
    from offbook.engine.machine import at_a_glance
    from offbook.harness.cli.listing import listing, listing_json
    from offbook.harness.cli.this_machine import this_machine, told

    if as_json:
        print_json(**listing_json(), machine=this_machine())
    else:
        typer.echo(listing(told(at_a_glance())))


def _list_records(store: Path, *, as_json: bool) -> None:
    from offbook.harness.tables.json_rows import json_rows
    from offbook.harness.tables.listing import list_records, tables_of

    if as_json:
        cells, exams = tables_of(store)
        print_json(cells=json_rows(cells.rows), exams=json_rows(exams.rows))
    else:
        list_records(store, console=terminal())
