"""How the students' tables are written: unrounded CSV, and STUDENTS.md that grows with a run."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from offbook.engine.files import atomic_write_text
from offbook.harness.records.cell import HARNESS_SEMANTICS
from offbook.harness.records.exam import Exam
from offbook.harness.records.manifest import machine_lines
from offbook.harness.records.store import Store
from offbook.harness.tables import student_comparisons_columns
from offbook.harness.tables.cohorts import Cohort, cohorts
from offbook.harness.tables.columns import Table, paragraph
from offbook.harness.tables.columns import to_markdown as pipe_table
from offbook.harness.tables.csv_file import to_csv
from offbook.harness.tables.dimensions import ALL_SUITES
from offbook.harness.tables.markdown import escape, machines_below, number, reasons
from offbook.harness.tables.progress import Progress
from offbook.harness.tables.progress_markdown import how_far, missing_exams, what_failed
from offbook.harness.tables.student_comparisons import comparisons_table
from offbook.harness.tables.student_comparisons_columns import PAIRS
from offbook.harness.tables.students import students_table
from offbook.harness.tables.students_columns import (
    BESIDE_ANSWERS,
    COLUMNS,
    GROUPS,
    OF_A_GROUP,
    SUITE,
    in_order,
    side_by_side,
)
from offbook.harness.tables.students_definitions import DEFINITIONS
from offbook.harness.tables.students_measures_columns import MEASURED

NOTHING = "No student has sat an exam yet."
INCOMPLETE = (
    "A student of which seeds are missing says how many of how many are there, and its method is not judged: it stays "
    "*open*, and is in no correction."
)


def write_students(
    folder: Path,
    out_dir: Path | None = None,
    *,
    exams: Sequence[Exam] | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Writes `students.csv`, `student_comparisons.csv` and `STUDENTS.md` from the exams in a folder; returns the first.

    Safe while a run goes on: each file is replaced in one step.

    Args:
        folder: of the records.
        out_dir: where the files go; the folder by default.
        exams: those of the folder, where somebody has just read them.
        progress: of the plan behind them, told on the page.

    Raises:
        ValueError: a damaged exam; nothing is written then.
    """
    exams = Store(folder).exams() if exams is None else exams
    table, comparisons = students_table(exams, progress), comparisons_table(exams, progress)
    markdown = to_markdown(exams, table, comparisons, progress=progress)
    out_dir = out_dir or folder
    atomic_write_text(out_dir / "students.csv", to_csv(Table(columns=COLUMNS, rows=table)))
    pairs = Table(columns=student_comparisons_columns.COLUMNS, rows=comparisons)
    atomic_write_text(out_dir / "student_comparisons.csv", to_csv(pairs))
    atomic_write_text(out_dir / "STUDENTS.md", markdown)
    return table


def to_markdown(
    exams: Sequence[Exam],
    table: pd.DataFrame,
    comparisons: pd.DataFrame,
    *,
    progress: Progress | None = None,
) -> str:
    """STUDENTS.md: definitions, then each cohort's groups side by side, comparisons and suites, machines below each."""
    parts = ["# Students", DEFINITIONS]
    parts += reasons([exam.record.manifest for exam in exams])
    parts += how_far(progress)
    if progress is not None:
        parts.append(paragraph(INCOMPLETE))
    if not exams:
        parts.append(NOTHING)
    found = cohorts(exams)
    for cohort in found:
        ours = rows_of(cohort, table)
        pairs, machines = comparisons[same_cohort(cohort, comparisons)], machines_of_cohort(cohort)
        parts += [f"## {_title(cohort)}", _conditions(cohort, found)]
        parts += ["### In and out of distribution", *notes(ours), pipe_table(pooled(ours)), *machines]
        if (beside := _beside_answers(ours)) is not None:
            parts += ["### Form and likelihood", pipe_table(beside), *machines]
        if not pairs.empty:
            parts += ["### Comparisons", pipe_table(Table(columns=PAIRS, rows=pairs)), *machines]
        parts.append("### By suite")
        for suite in cohort.examinees[0].spec.suites:
            origin = f": {escape(suite.origin)}" if suite.origin else ""
            parts.append(f"**{escape(suite.name)}** ({GROUPS[suite.group]}){origin}")
            parts.append(pipe_table(Table(columns=SUITE, rows=ours[ours["suite"] == suite.name])))
            parts += machines
    if progress is not None:
        parts += [*what_failed(progress), *missing_exams(progress.exams)]
    return "\n\n".join(parts) + "\n"


def _title(cohort: Cohort) -> str:
    if not cohort.corpus:
        return f"{escape(cohort.model)}, untouched only"
    return f"{escape(cohort.model)}, corpus {escape(cohort.corpus[:12])}, {cohort.budget:,.0f} gradient tokens"


def _conditions(cohort: Cohort, all_cohorts: Sequence[Cohort]) -> str:
    spec = cohort.examinees[0].spec
    prompts = "through the chat template" if spec.chat_template else "without a chat template"
    cap = "each suite's own cap" if spec.max_new_tokens is None else f"{spec.max_new_tokens} tokens"
    said = f"Answers of at most {cap}, in {escape(spec.dtype)}, prompted {prompts}."
    if spec.harness_semantics != HARNESS_SEMANTICS:
        said += (
            f" Scored by semantics {spec.harness_semantics} of the harness, this version has {HARNESS_SEMANTICS}: "
            "not to be compared with other sections; `offbook rescore` scores the same answers again."
        )
    if others := _asked_otherwise_since(cohort, all_cohorts):
        names = ", ".join(map(escape, others))
        said += (
            f" Later exams on this page ask or score otherwise under the same names ({names}): nothing here is "
            "compared with them."
        )
    return said


def _asked_otherwise_since(cohort: Cohort, all_cohorts: Sequence[Cohort]) -> list[str]:
    """The suites that a later exam on the page has with other questions or rules, by name."""
    known = {suite.name: suite.fingerprint for suite in cohort.examinees[0].spec.suites}
    later = [other for other in all_cohorts if _last_sat(other) > _last_sat(cohort)]
    others = [suite for other in later for suite in other.examinees[0].spec.suites]
    return sorted({suite.name for suite in others if known.get(suite.name, suite.fingerprint) != suite.fingerprint})


def _last_sat(cohort: Cohort) -> datetime:
    return max(exam.record.finished_utc for examinee in cohort.examinees for exam in examinee.exams)


def machines_of_cohort(cohort: Cohort) -> list[str]:
    """Where the cohort was trained, as far as its records say so, and where it was examined."""
    exams = [exam.record for examinee in cohort.examinees for exam in examinee.exams]
    trained = [record.cost.machine for record in exams if record.cost is not None and record.cost.machine]
    return [
        *machines_below(machine_lines(trained), "Trained on"),
        *machines_below(machine_lines(record.manifest for record in exams), "Examined on"),
    ]


def rows_of(cohort: Cohort, table: pd.DataFrame) -> pd.DataFrame:
    """The cohort's rows, those of the untouched model among them."""
    return table[same_cohort(cohort, table) | ((table["exam"] == cohort.exam) & (table["corpus"] == ""))]


def same_cohort(cohort: Cohort, table: pd.DataFrame) -> "pd.Series[bool]":
    """Which rows are of the cohort's trained students."""
    return (table["exam"] == cohort.exam) & (table["corpus"] == cohort.corpus) & (table["budget"] == cohort.budget)


def notes(rows: pd.DataFrame) -> list[str]:
    """A sentence where suites hold a part of their data set only, and one where questions name their answers."""
    of_suites = rows[rows["suite"] != ALL_SUITES]
    names = sorted({row["suite"] for row in of_suites.to_dict("records") if "dev subset" in row["origin"]})
    found = [f"Scored on a dev subset: {', '.join(map(escape, names))}."] if names else []
    guessed = rows[(rows["suite"] == ALL_SUITES) & (rows["guessing"] > 0)].groupby("group")["guessing"].first()
    shares = [f"{number(100 * guessed[group], 1)} % of {GROUPS[group]}" for group in in_order(guessed.index)]
    return [*found, f"Guessing gets {', '.join(shares)}."] if shares else found


def pooled(rows: pd.DataFrame) -> Table:
    """One line a student: its groups side by side, then what it cost."""
    lines: dict[str, dict[Any, Any]] = {}
    for row in rows.to_dict("records"):
        line = lines.setdefault(row["label"], dict(row))
        if row["suite"] == ALL_SUITES:
            found = [field for column in OF_A_GROUP for field in column.fields]
            line |= {f"{row['group']}_{field}": row[field] for field in found}
    groups = in_order(rows[rows["suite"] == ALL_SUITES]["group"])
    return Table(columns=side_by_side(groups), rows=pd.DataFrame(list(lines.values())))


def _beside_answers(rows: pd.DataFrame) -> Table | None:
    """One line a student and group, of what was measured beside the answers; None where nothing was."""
    of_groups = rows[rows["suite"] == ALL_SUITES]
    known = any(of_groups[column.name].notna().any() for column in MEASURED if column.interval)
    return Table(columns=BESIDE_ANSWERS, rows=of_groups) if known else None
