"""Holds a fresh run's tables against committed ones: what a reader who reruns the benchmark wants to know.

How a column is held says its description. Counts, scores and certificates carry over between machines: they must be
equal ("reproduced (identical)"), or, where the last bits of a float differ between processors, their 95 % intervals
must overlap ("reproduced"). Anything else "differs". Seconds do not carry over; they stand side by side, unjudged.
Only rows of equal settings, seeds, corpus and documents are held against each other.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from offbook.engine.files import atomic_write_text
from offbook.harness.tables import decoders_columns, students_columns
from offbook.harness.tables.columns import Column
from offbook.harness.tables.csv_file import csv_text, from_csv
from offbook.harness.tables.judging import DIFFERS, IDENTICAL, NOT_COMPARABLE, REPRODUCED, VERDICTS, judge, precision
from offbook.harness.tables.labels import decoder_of, student_of
from offbook.harness.tables.rows import Row


@dataclass(frozen=True, kw_only=True)
class Reproducible:
    """A table that reruns are held against.

    Attributes:
        name: what its rows are about.
        file: in a folder of results.
        columns: its description; `setting`, what two rows must share, is among them.
        precision: the column that says in which mixed precision a student was trained.
        title: of a row, for people.
    """

    name: str
    file: str
    columns: tuple[Column, ...]
    precision: str
    title: Callable[[Row], str]

    def those(self, *reruns: str) -> list[Column]:
        """Its columns that are held against a rerun in one of these ways."""
        return [column for column in self.columns if column.rerun in reruns]


@dataclass(frozen=True, kw_only=True)
class NamedComparison:
    """The verdict on every row of one table, and how many rows got each verdict."""

    name: str
    table: pd.DataFrame
    counts: dict[str, int]

    @property
    def differs(self) -> bool:
        """Whether anything is not what was committed."""
        return self.counts[DIFFERS] > 0

    @property
    def holds(self) -> bool:
        """Whether something could be compared and nothing differs."""
        return not self.differs and self.counts[IDENTICAL] + self.counts[REPRODUCED] > 0


DECODERS = Reproducible(
    name="decoders",
    file="leaderboard.csv",
    columns=decoders_columns.COLUMNS,
    precision="trained_in",
    title=lambda row: f"{student_of(row)}, {decoder_of(row)} on {row['suite']} at temperature {row['temperature']:g}",
)
STUDENTS = Reproducible(
    name="students",
    file="students.csv",
    columns=students_columns.COLUMNS,
    precision="mixed_precision",
    title=lambda row: f"{row['student']} on {row['suite']} ({row['group']})",
)
TABLES = (DECODERS, STUDENTS)


def compare_folders(fresh: Path, committed: Path) -> list[NamedComparison]:
    """Each table that both folders have, the verdicts on its rows written beside the fresh one.

    Raises:
        ValueError: a file that is no such table.
    """
    found = []
    for which in TABLES:
        if all((folder / which.file).is_file() for folder in (fresh, committed)):
            new, old = (from_csv(folder / which.file, which.columns) for folder in (fresh, committed))
            comparison = compare_tables(which, new, old)
            path = fresh / f"{Path(which.file).stem}_comparison.csv"
            atomic_write_text(path, csv_text(comparison.table))
            found.append(comparison)
    return found


def verdict_lines(comparisons: Sequence[NamedComparison]) -> list[str]:
    """For people: how many rows of each verdict, and the reasons of those that differ."""
    titles = {which.name: which.title for which in TABLES}
    lines = []
    for comparison in comparisons:
        counts = comparison.counts
        lines.append(
            f"{comparison.name}, against the committed results: {counts[IDENTICAL]} rows identical, "
            f"{counts[REPRODUCED]} reproduced within their intervals, {counts[DIFFERS]} differ, "
            f"{counts[NOT_COMPARABLE]} not comparable"
        )
        differing = comparison.table[comparison.table["verdict"] == DIFFERS].to_dict("records")
        lines += [f"  differs: {titles[comparison.name](row)}: {row['reason']}" for row in differing]
    return lines


def compare_tables(which: Reproducible, fresh: pd.DataFrame, committed: pd.DataFrame) -> NamedComparison:
    """Judges each committed row by the fresh row of the same setting; rows on one side only are named."""
    news, olds = fresh.to_dict("records"), committed.to_dict("records")
    by_setting: dict[str, list[Row]] = {}
    for row in news:
        by_setting.setdefault(row["setting"], []).append(row)
    names = [column.name for column in which.those("row")]

    def name(row: Row) -> tuple[object, ...]:
        return tuple(row[name] for name in names)

    there, settings = {name(row) for row in news}, {row["setting"] for row in olds}
    unmatched = {name(row) for row in olds if row["setting"] not in by_setting}
    lines = []
    for old in olds:
        same = by_setting.get(old["setting"], [])
        if same:  # of several, that of the same precision
            new = min(same, key=lambda row: precision(row, which.precision) != precision(old, which.precision))
            lines.append(_line(which, old, new, *judge(which.columns, which.precision, old, new)))
        elif name(old) in there:
            reason = "settings, suites, seeds, corpus or documents are others"
            reason += f" (setting {old['setting'][:12]} is not in the fresh run)"
            lines.append(_line(which, old, None, NOT_COMPARABLE, reason))
        else:
            lines.append(_line(which, old, None, NOT_COMPARABLE, "missing in the fresh run"))
    lines += [
        _line(which, None, new, NOT_COMPARABLE, "missing in the committed results")
        for new in news
        if new["setting"] not in settings and name(new) not in unmatched
    ]
    verdicts = [line["verdict"] for line in lines]
    values = [f"{column.name}_{side}" for column in _beside(which) for side in ("committed", "fresh")]
    return NamedComparison(
        name=which.name,
        table=pd.DataFrame(lines, columns=[*names, "verdict", "reason", *values]),
        counts={verdict: verdicts.count(verdict) for verdict in VERDICTS},
    )


def _beside(which: Reproducible) -> list[Column]:
    return which.those("interval", "beside", "timing")


def _line(which: Reproducible, old: Row | None, new: Row | None, verdict: str, reason: str) -> Row:
    present = old or new
    assert present is not None
    line = {column.name: present[column.name] for column in which.those("row")}
    line |= {"verdict": verdict, "reason": reason}
    for column in _beside(which):
        for side, row in (("committed", old), ("fresh", new)):
            line[f"{column.name}_{side}"] = math.nan if row is None else row[column.name]
    return line
