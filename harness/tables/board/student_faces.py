"""The table of students on the board: every column that its page has, in the page's order."""

from dataclasses import replace

import pandas as pd

from offbook.harness.tables.board.face import Face, face
from offbook.harness.tables.board.links import Files, sitting_of
from offbook.harness.tables.columns import Place, Table, always, differing, pick
from offbook.harness.tables.dimensions import ALL_SUITES
from offbook.harness.tables.rows import Row
from offbook.harness.tables.students_columns import COLUMNS, GROUPS

BOARD: tuple[Place, ...] = ("board",)
FIRST = ("label", "model", "group", "suite")


def _group(row: Row) -> str:
    return GROUPS[row["group"]]


_LABEL, _MODEL, _GROUP, _SUITE = pick(COLUMNS, *FIRST)
STUDENTS = (
    replace(_LABEL, shown_in=BOARD),
    replace(_MODEL, shown_in=BOARD, shown_for=differing("model")),
    replace(_GROUP, shown_in=BOARD, written=_group),
    replace(_SUITE, shown_in=BOARD, heading="Suite", shown_for=always),
    *(
        replace(column, shown_in=BOARD)
        for column in COLUMNS
        if "markdown" in column.shown_in and column.name not in FIRST
    ),
)


def students_face(table: pd.DataFrame, files: Files) -> Face:
    """A row a student and group, and one for each suite."""
    return face(
        Table(columns=STUDENTS, rows=table),
        name="students",
        caption="Students: a row a student and group of suites, and one for each suite",
        filters=("model", "label", "group", "suite"),
        chosen={"suite": ALL_SUITES},
        files=files,
        known_by=sitting_of,
    )
