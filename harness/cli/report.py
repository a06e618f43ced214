"""`offbook report`: the tables of a store."""

from pathlib import Path
from typing import Annotated

import typer

from offbook.harness.cli.as_json import AsJson
from offbook.harness.cli.console import table_folder, writable_folder
from offbook.harness.cli.options import path_or_none


def report(
    store: Annotated[Path, typer.Argument(callback=path_or_none, help="A folder with records.")],
    output: Annotated[
        Path | None,
        typer.Option(
            *("--output", "--output-path", "--output_path"),
            callback=writable_folder,
            help="Where the tables go; by default beside the records.",
        ),
    ] = None,
    readme: Annotated[
        Path | None, typer.Option("--readme", callback=path_or_none, help="A README whose tables are renewed too.")
    ] = None,
    plots: Annotated[
        bool, typer.Option("--plots", help="Each picture of leaderboard.html as an SVG file too, in plots/.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the tables of a store.

    LEADERBOARD.md and STUDENTS.md with their CSV files, and leaderboard.html, which shows both in a browser: derived
    from its records and exams and nothing else. How much of the plan they are is told in the folder of a run.
    """
    from offbook.harness.cli.show import write_and_show

    table_folder(output or store)
    write_and_show(store, output, readme, plots=plots, as_json=as_json)
