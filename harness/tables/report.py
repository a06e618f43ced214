"""What `offbook report` does: tables from a store, on disk and on the terminal."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich.console import Console

from offbook.harness.records.manifest import machine_lines
from offbook.harness.records.store import Store
from offbook.harness.tables import columns
from offbook.harness.tables.board.page import write_pictures
from offbook.harness.tables.columns import OnTerminal, to_terminal
from offbook.harness.tables.decoders_columns import COLUMNS
from offbook.harness.tables.decoders_markdown import machines_of
from offbook.harness.tables.dimensions import ALL_SUITES
from offbook.harness.tables.progress_markdown import progress_line
from offbook.harness.tables.ranks import fastest_first
from offbook.harness.tables.readme_decoders import update_readme
from offbook.harness.tables.readme_students import update_students_readme
from offbook.harness.tables.students_columns import TERMINAL
from offbook.harness.tables.write import Known, Written, write_all


def report(
    store_dir: Path,
    out_dir: Path | None = None,
    readme: Path | None = None,
    *,
    console: Console | None = None,
    progress: Known = None,
    plots: bool = False,
) -> None:
    """Does what `renew` does, and prints the pooled rows.

    Args:
        store_dir: the store.
        out_dir: where the tables go.
        readme: a README whose blocks are renewed too.
        console: where to print; the terminal by default.
        progress: how far the plan behind the records is, or who tells it.
        plots: whether each picture of leaderboard.html is also written as a file of its own, into plots/.

    Raises:
        ValueError: no store there, a damaged one, or a README without a block.
    """
    written = renew(store_dir, out_dir, readme, progress=progress, plots=plots)
    print_tables(written, console or Console())


def renew(
    store_dir: Path,
    out_dir: Path | None = None,
    readme: Path | None = None,
    *,
    progress: Known = None,
    plots: bool = False,
) -> Written:
    """Writes the tables of decoders and of students, by default into the store's folder; arguments as of `report`.

    Raises:
        ValueError: no store there, a damaged one, or a README without a block.
    """
    check_store(store_dir)
    folder = out_dir or store_dir
    written = write_all(Store(store_dir), folder, progress=progress)
    if readme is not None:
        if written.decoders is not None and written.cells:
            update_readme(readme, written.decoders, written.cells.manifests)
        if written.exams:
            update_students_readme(readme, written.exams, written.progress)
    if plots:
        write_pictures(folder, written.board)
    return written


def print_tables(written: Written, console: Console) -> None:
    """Prints the pooled rows of tables that were written, and how much of their plan they are."""
    if written.decoders is not None and written.cells:
        console.print(_decoders(written.decoders))
        _print_machines(console, machines_of(written.decoders, written.cells.manifests))
    if written.students is not None and written.exams:
        console.print(_students(written.students))
        _print_machines(console, machine_lines(exam.record.manifest for exam in written.exams))
    if written.progress is not None:
        console.print(progress_line(written.progress), highlight=False)


def _print_machines(console: Console, machines: Sequence[str]) -> None:
    for machine in machines:
        console.print(f"on {machine}", markup=False, highlight=False)


def _decoders(table: pd.DataFrame) -> OnTerminal:
    pooled = fastest_first(table[table["suite"] == ALL_SUITES])
    return to_terminal(columns.Table(columns=COLUMNS, rows=pooled), "All suites, pooled")


def _students(table: pd.DataFrame) -> OnTerminal:
    return to_terminal(columns.Table(columns=TERMINAL, rows=table[table["suite"] == ALL_SUITES]), "Students")


def check_store(store_dir: Path) -> None:
    """Refuses a folder that holds no results.

    Raises:
        ValueError: it has no records.
    """
    if not any((store_dir / name).is_dir() for name in ("records", "exams")):  # schema 1 had exams apart
        message = (
            f"{store_dir.resolve().name or store_dir}: expected a store with a folder records/, found none; "
            "run `offbook evaluate` or `offbook reproduce` first"
        )
        raise ValueError(message)
