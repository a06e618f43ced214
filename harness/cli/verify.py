"""`offbook verify`: everything that is wrong with a folder of records, or of a run."""

from pathlib import Path
from typing import Annotated

import typer

from offbook.harness.cli.as_json import AsJson, print_json
from offbook.harness.cli.options import path_or_none


def verify(
    folder: Annotated[Path, typer.Argument(callback=path_or_none, help="A folder with records.")],
    everything: Annotated[bool, typer.Option("--all", help="Read what was checked before too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check a folder of records, or a whole run.

    Every record against its hashes, its rows and its heat; of a run its plan and artifacts too. Each thing that is
    wrong has a line; exit status 1 where something is. A record that is wrong stands in no table either; an artifact is
    made again by the next `offbook run`. A file that was checked before and whose size, times and inode are the same is
    read again with --all only.
    """
    from offbook.harness.cli.exits import FOUND_WANTING
    from offbook.harness.matrix.findings import findings
    from offbook.harness.records.store import Store
    from offbook.harness.records.verify import verify as check
    from offbook.harness.tables.report import check_store

    store = Store(folder)
    check_store(store.root)
    found = check(store, again=everything)
    told = [*found.findings, *findings(store.root, again=everything)]
    cells = sum(held.line.kind == "cell" for held in found.held)
    exams = len(found.held) - cells
    if as_json:
        print_json(findings=told, cells=cells, exams=exams, checked_before=found.unread)
    else:
        for finding in told:
            typer.echo(finding)
    read = f"{len(found.held) - found.unread} read, the others checked before" if found.unread else "all read"
    typer.echo(f"{cells} cells and {exams} exams ({read}), {len(told)} findings", err=True)
    if told:
        raise typer.Exit(FOUND_WANTING)
