"""The tables of a folder on the terminal, with how much of its plan they are: how commands that measure end."""

from pathlib import Path
from typing import TYPE_CHECKING

from offbook.harness.cli.console import terminal

if TYPE_CHECKING:
    from offbook.harness.tables.write import Written


def write_and_show(
    folder: Path, output: Path | None = None, readme: Path | None = None, *, plots: bool = False
) -> None:
    """Writes the tables of a folder, there or in `output`, renews those of a README, and prints the pooled rows.

    Their pictures are written too where `plots` asks for it.
    """
    from offbook.harness.matrix.progress import progress
    from offbook.harness.tables.report import report

    report(folder, output, readme, console=terminal(), progress=lambda: progress(folder), plots=plots)


def show(written: "Written") -> None:
    """Prints the pooled rows of the tables that a run has written."""
    from offbook.harness.tables.report import print_tables

    print_tables(written, terminal())
