"""What `offbook ls FOLDER` does: a line a record."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
from rich.console import Console

from offbook.engine.counted import counted
from offbook.harness.records.cell import Cell
from offbook.harness.records.exam import Exam
from offbook.harness.records.store import Store
from offbook.harness.records.verify import whole
from offbook.harness.tables.columns import Column, Place, Table, always, pick, to_terminal
from offbook.harness.tables.decoders import losslessness
from offbook.harness.tables.decoders_columns import COLUMNS
from offbook.harness.tables.dimensions import of_cell, of_sitting
from offbook.harness.tables.report import check_store
from offbook.harness.tables.rows import Row

SCREEN: tuple[Place, ...] = ("terminal",)


def _utc(row: Row) -> str:
    return f"{row['finished_utc']:%Y-%m-%d %H:%M}"


def _right(row: Row) -> str:
    return f"{row['accuracy']:.3f} of {row['accuracy_docs']}" if row["accuracy_docs"] else "-"


KEY = Column(name="key", heading="Key", shown_in=SCREEN, written=lambda row: row["key"][:12])
FINISHED_UTC = Column(name="finished_utc", heading="Finished (UTC)", shown_in=SCREEN, written=_utc)
SHOWN = [
    replace(column, shown_in=SCREEN, shown_for=always)
    for column in pick(
        COLUMNS, "model", "training", "decoder_label", "suite", "temperature", "seed", "n_docs", "losslessness"
    )
]
CELLS = (
    KEY,
    *(replace(column, heading=column.heading or column.name.capitalize()) for column in SHOWN),
    Column(name="heat_id", heading="Heat", shown_in=SCREEN, written=lambda row: row["heat_id"][:12]),
    FINISHED_UTC,
)
EXAMS = (
    KEY,
    Column(name="model", heading="Model", shown_in=SCREEN),
    Column(name="student", heading="Student", shown_in=SCREEN),
    Column(name="method", heading="Method", shown_in=SCREEN),
    Column(name="training_seed", heading="Seed", kind="whole", shown_in=SCREEN),
    Column(name="n_suites", heading="Suites", unit="suites", kind="whole", shown_in=SCREEN),
    Column(name="n_docs", heading="Docs", unit="documents", kind="whole", shown_in=SCREEN),
    Column(name="finished", heading="Ended", unit="share", kind="share", shown_in=SCREEN),
    Column(name="accuracy", heading="Right", unit="share", kind="number", shown_in=SCREEN, written=_right),
    FINISHED_UTC,
)


def list_records(store_dir: Path, *, console: Console | None = None) -> None:
    """Prints one line a cell and one an exam.

    Raises:
        ValueError: no store there, or a damaged one.
    """
    console = console or Console()
    cells, exams = tables_of(store_dir)
    if len(cells.rows):
        console.print(to_terminal(cells, counted(len(cells.rows), "record")))
    if len(exams.rows):
        console.print(to_terminal(exams, counted(len(exams.rows), "exam")))


def tables_of(store_dir: Path) -> tuple[Table, Table]:
    """The cells and the exams of a store, a row each.

    Raises:
        ValueError: no store there, or a damaged one.
    """
    check_store(store_dir)
    held = whole(Store(store_dir))
    return cells_table(held.cells), exams_table(held.exams)


def cells_table(cells: Sequence[Cell]) -> Table:
    """One row a cell."""
    rows = [
        {
            **of_cell(record.spec),
            **{name: getattr(record.spec, name) for name in ("suite", "temperature", "seed", "n_docs")},
            **{name: getattr(record, name) for name in ("key", "heat_id", "finished_utc")},
            "n_clusters": record.spec.n_docs,
            "losslessness": losslessness([record.certificate]),
        }
        for record in (cell.record for cell in cells)
    ]
    return Table(columns=CELLS, rows=pd.DataFrame(rows))


def exams_table(exams: Sequence[Exam]) -> Table:
    """One row an exam."""
    return Table(columns=EXAMS, rows=pd.DataFrame([_exam(exam) for exam in exams]))


def _exam(exam: Exam) -> Row:
    record, rows, right = exam.record, exam.rows, exam.right()
    return {
        **of_sitting(record.spec),
        "key": record.key,
        "training_seed": record.spec.student.seed,
        "n_suites": len(record.spec.suites),
        "n_docs": len(rows),
        "finished": sum(row.finished for row in rows) / len(rows),
        "accuracy": sum(right) / len(right) if right else 0.0,
        "accuracy_docs": len(right),
        "finished_utc": record.finished_utc,
    }
