"""The tables of a folder on the terminal, with how much of its plan they are: how commands that measure end."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from offbook.harness.cli.as_json import print_json
from offbook.harness.cli.console import terminal

if TYPE_CHECKING:
    from offbook.harness.tables.write import Written


def write_and_show(
    folder: Path,
    output: Path | None = None,
    readme: Path | None = None,
    *,
    plots: bool = False,
    as_json: bool = False,
) -> None:
    """Writes the tables of a folder, there or in `output`, renews those of a README, and prints the pooled rows.

    Their pictures are written too where `plots` asks for it.
    """
    from offbook.harness.matrix.progress import progress
    from offbook.harness.tables.report import renew

    written = renew(folder, output, readme, progress=lambda: progress(folder), plots=plots)
    show(written, as_json=as_json)


def show(written: "Written", *, as_json: bool = False, **more: Any) -> None:
    """Prints the pooled rows of the tables that a run has written; as JSON beside what else there is to tell."""
    if as_json:
        from offbook.harness.tables.tables_json import tables_json

        print_json(**tables_json(written), **more)
    else:
        from offbook.harness.tables.report import print_tables

        print_tables(written, terminal())
