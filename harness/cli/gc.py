"""`offbook gc`: what a folder of records can do without."""

from pathlib import Path
from typing import Annotated

import typer

from offbook.harness.cli.as_json import AsJson, print_json
from offbook.harness.cli.options import path_or_none


def gc(
    folder: Annotated[Path, typer.Argument(callback=path_or_none, help="A folder with records.")],
    *,
    delete: Annotated[bool, typer.Option("--delete", help="Remove what is listed.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what a folder can do without.

    Removes it with --delete: rows whose record is gone, and what killed processes left half written. Records, answers
    that are not scored and artifacts stay, and so does what is none of offbook's, which is named. Nothing is removed
    while there are records that the ledger does not name.
    """
    from offbook.engine.files import remove
    from offbook.harness.records.gc import foreign, orphans
    from offbook.harness.records.store import Store
    from offbook.harness.tables.report import check_store

    store = Store(folder)
    check_store(store.root)
    found, strange = orphans(store), foreign(store)
    names = [str(path.relative_to(store.root)) for path in found]
    for path, name in zip(found, names, strict=True):
        if not as_json:
            typer.echo(name)
        if delete:
            remove(path)
    if as_json:
        print_json(files=names, removed=delete, left=[str(path.relative_to(store.root)) for path in strange])
    for path in strange:
        typer.echo(f"{path.relative_to(store.root)}: expected rows of a record, got another file; left", err=True)
    typer.echo(f"{len(found)} {'removed' if delete else 'to be removed with --delete'}", err=True)
