"""README's table of students: those of the main corpus, each with several training seeds, beside the untouched model.

The main corpus is that of the cohort in which most exams were sat, in the layout of the weights of most of them, of
equals the latest, so that a student stands there once. Six rows at most: those with most seeds, and of
these the best in distribution. README names in the block's opening comment who stands there in any case, however bad:

    <!-- students: mind -->
"""

import math
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from offbook.harness.records.exam import Exam
from offbook.harness.tables.cohorts import Cohort, cohorts
from offbook.harness.tables.columns import Column, paragraph, pick
from offbook.harness.tables.markdown import UNKNOWN, escape, names_of_block, replace_block
from offbook.harness.tables.progress import Progress
from offbook.harness.tables.rows import Row, Rows
from offbook.harness.tables.short_table import chosen, short_table
from offbook.harness.tables.student_comparisons import comparisons_table
from offbook.harness.tables.students import students_table
from offbook.harness.tables.students_columns import GROUPS
from offbook.harness.tables.students_markdown import machines_of_cohort, notes, pooled, rows_of, same_cohort

BLOCK = "students"
NOTHING = "No student has sat an exam with several training seeds yet."
SHOWN = ("id", "ood")
FEWEST = 2  # seeds
MEANING = (
    "Percent right, over other questions of the kinds that were trained on (ID) and over others (OOD), with 95 % "
    "intervals over questions and seeds. *Against untouched* is about the methods, corrected for being many."
)


def readme_students(exams: Sequence[Exam], progress: Progress | None = None, keep: Collection[str] = ()) -> str:
    """The table with what it is over above and its machines below.

    Args:
        exams: of the store.
        progress: how far the plan behind them is.
        keep: students that stand there in any case.

    Raises:
        ValueError: seeds of one student that answered other documents.
    """
    taught = [cohort for cohort in cohorts(exams) if _taught(cohort)]
    if not taught:
        return NOTHING
    layout = _layout(_main(taught))
    exams = [exam for exam in exams if exam.record.spec.layout == layout]
    main = _main([cohort for cohort in cohorts(exams) if _taught(cohort)])
    ours = rows_of(main, students_table(exams, progress))
    comparisons = comparisons_table(exams, progress)
    table = pooled(ours)
    groups = [group for group in SHOWN if f"{group}_accuracy" in table.rows.columns]
    rows = sorted((row for row in table.rows.to_dict("records") if _stands(row)), key=lambda row: _order(row, groups))
    kept = {row["label"] for row in rows if row["corpus"] == "" or row["student"] in keep}
    labels = chosen([row["label"] for row in rows], kept)
    verdicts = _verdicts(main, comparisons[same_cohort(main, comparisons)], groups)
    shown = pd.DataFrame([row for row in rows if row["label"] in labels])
    of = f", {len(labels)} of {len(rows)} rows" if len(labels) < len(rows) else ""
    said = f"{escape(main.model)}, {main.budget:,.0f} gradient tokens a student{of}. {MEANING}"
    columns = (
        *pick(table.columns, "label", "seeds"),
        *pick(table.columns, *(f"{group}_accuracy" for group in groups)),
        Column(name="against", heading="Against untouched"),
    )
    return "\n\n".join(
        [
            paragraph(" ".join([said, *notes(ours)])),
            short_table(columns, shown.assign(against=[verdicts.get(label, UNKNOWN) for label in shown["label"]])),
            *machines_of_cohort(main),
        ]
    )


def update_students_readme(readme_path: Path, exams: Sequence[Exam], progress: Progress | None = None) -> None:
    """Puts `readme_students` between `<!-- students -->` and `<!-- /students -->`.

    Raises:
        ValueError: the README has not exactly one such block.
    """
    keep = names_of_block(readme_path, BLOCK)
    replace_block(readme_path, BLOCK, readme_students(exams, progress, keep))


def _taught(cohort: Cohort) -> bool:
    """Whether a student of several seeds is in it."""
    return any(len(examinee.exams) >= FEWEST for examinee in cohort.examinees if not examinee.untouched)


def _main(taught: Sequence[Cohort]) -> Cohort:
    return max(taught, key=lambda cohort: (_sat(cohort), cohort.budget))


def _layout(cohort: Cohort) -> str:
    """That of most exams of students with several seeds, of equals the latest."""
    several = [examinee for examinee in cohort.examinees if len(examinee.exams) >= FEWEST]
    records = [exam.record for examinee in several for exam in examinee.exams]
    counts = Counter(record.spec.layout for record in records)
    return max(records, key=lambda record: (counts[record.spec.layout], record.finished_utc)).spec.layout


def _sat(cohort: Cohort) -> int:
    return sum(len(examinee.exams) for examinee in cohort.examinees)


def _stands(row: Row) -> bool:
    return bool(row["corpus"] == "" or row["seeds"] >= FEWEST)


def _order(row: Row, groups: Sequence[str]) -> tuple[bool, int, float]:
    """The untouched model, then most seeds, then the best in the first group."""
    accuracy = row[f"{groups[0]}_accuracy"] if groups else math.nan
    return row["corpus"] != "", -row["seeds"], math.inf if math.isnan(accuracy) else -accuracy


def _verdicts(cohort: Cohort, pairs: pd.DataFrame, groups: Sequence[str]) -> dict[str, str]:
    """By label, what can be said of a method beside the untouched model, in each group."""
    bases = {examinee.label for examinee in cohort.examinees if examinee.untouched}
    found: dict[str, list[str]] = {}
    for group in groups:
        for row in Rows(pairs[pairs["group"] == group]):
            if row["label_b"] in bases:
                found.setdefault(row["label_a"], []).append(f"{GROUPS[group]} {row['methods']}")
    return {label: ", ".join(said) for label, said in found.items()}
