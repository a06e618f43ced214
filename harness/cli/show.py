"""The tables of a folder, written and shown, with how much of its plan they are: how commands that measure end."""

from pathlib import Path

from offbook.harness.cli.console import terminal


def show(folder: Path, output: Path | None = None, readme: Path | None = None) -> None:
    """Writes the tables of a folder, there or in `output`, renews those of a README, and prints the pooled rows."""
    from offbook.harness.matrix.progress import progress
    from offbook.harness.tables.report import report

    report(folder, output, readme, console=terminal(), progress=lambda: progress(folder))
