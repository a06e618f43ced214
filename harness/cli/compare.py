"""`offbook compare`: two runs or two records, document by document, and in what they differ."""

from pathlib import Path
from typing import Annotated

import typer

from offbook.harness.cli.as_json import AsJson, print_json
from offbook.harness.cli.console import terminal
from offbook.harness.cli.options import path_or_none

ONE = "A run's folder, a file of its records/, or a record's key."


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help=ONE)],
    b: Annotated[str, typer.Argument(metavar="B", help="What it is compared with: likewise.")],
    store: Annotated[
        Path,
        typer.Option("--store", callback=path_or_none, help="The folder with records in which keys are looked up."),
    ] = Path("results"),
    as_json: AsJson = False,
) -> None:
    """Compare two runs or two records.

    Right answers, acceptance and speed of the decoders and students that both have, paired by document, with intervals
    and verdicts; then in what settings, machine and code the two differ. Speed is judged inside of one heat only.
    """
    from offbook.harness.tables.compared import compare as compare_sides
    from offbook.harness.tables.compared_sides import side

    if a == b:
        msg = f"expected two different runs or records, got {a} twice; name another"
        raise ValueError(msg)
    found = compare_sides(side(a, store), side(b, store))
    for line in found.left:
        typer.echo(line, err=True)
    if as_json:
        from offbook.harness.tables.json_rows import json_rows

        print_json(
            a=a,
            b=b,
            lines=json_rows(found.lines.rows),
            differing=json_rows(found.settings.rows),
            machines_a=found.machines[0],
            machines_b=found.machines[1],
            not_compared=found.left,
        )
        return
    from offbook.harness.tables.columns import to_terminal

    console = terminal()
    console.print(to_terminal(found.lines, "A against B"))
    if found.settings.rows.empty:
        console.print("same settings, machine and code", highlight=False)
    else:
        console.print(to_terminal(found.settings, "In what they differ"))
    for name, machines in zip("AB", found.machines, strict=True):
        for machine in machines:
            console.print(f"{name} on {machine}", markup=False, highlight=False)
