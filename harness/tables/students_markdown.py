"""How the students' tables are written: unrounded CSV, STUDENTS.md that grows with a run, and the README's block."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from offbook.engine.files import atomic_write_text
from offbook.harness.records.cell import HARNESS_SEMANTICS
from offbook.harness.records.exam import Exam
from offbook.harness.records.manifest import machine_lines
from offbook.harness.records.store import Store
from offbook.harness.tables.columns import csv_text
from offbook.harness.tables.markdown import (
    count,
    escape,
    interval,
    machines_below,
    markdown_table,
    number,
    reasons,
    replace_block,
    share,
)
from offbook.harness.tables.progress import Progress
from offbook.harness.tables.progress_markdown import how_far, missing_exams, what_failed
from offbook.harness.tables.students import Cohort, cohorts, comparisons_table, students_table
from offbook.harness.tables.students_columns import ALL_SUITES, GROUPS, PRECISIONS

NOTHING = "No student has sat an exam yet."

DEFINITIONS = """\
Written by `offbook report` from the committed exams; not edited by hand. A student is a small model after training by
one method on one corpus; *untouched* is the model before. It is trained once for every seed, and all of them answer the
same questions, greedily.

- **ID**: other questions of the kinds that were trained on. **OOD**: questions of other kinds. Both in percent right:
  every document of the group's suites that are scored right or wrong counts alike, and seeds are averaged. Suites with
  another score (`answered`, `rouge1`) are in no group; they show it under its own name.
- **Finished**: share of answers that end by themselves, before the cap. What is cut can hardly be right.
- **Items**: questions; behind a slash, how many groups of like ones they come in (one story with other numbers and
  people), where they do. Groups are then what intervals and tests take for independent items.
- **Guessing** among the answers that questions name is what a model gets that understands the form and nothing else.
  Below it a model fails at the form too (it never names an answer, or repeats itself until the cap), so that a gain up
  to it is none in reasoning.
- **Square brackets** hold 95 % intervals, over items and, where a student has several seeds, over training seeds
  too: what another test and another training would give. With one seed they are over items alone, and say nothing
  about another training. Where there are none, the data cannot give one. They are not corrected for being many.
- **Seed sd**: standard deviation of the accuracy over training seeds, in points.
- **Change**: accuracy minus that of the untouched model on the same items, in points. Below 0 on OOD it is forgetting.
- **Gradient tokens**: response tokens whose loss was differentiated, counted each time; equal budgets are compared.
  **Kept at**: how many lay behind the weights that were examined, the best of several by development score.
  **Distinct sequences**: how many different responses all of them belong to. **Steps**: of the optimiser. **Prepare
  s**: seconds of what a base model and corpus need once for all seeds (MIND's vectors of rationales and losses of the
  untouched model); "-" where it was not measured. **Precision**: of the matrix products in training, as the machine
  had it or as it was asked; weights and sums are fp32. **Train s**: seconds of the training loop, development scores
  included. **Exam s**: seconds of the whole exam. Means over seeds; **peak MiB** is the largest memory of the process
  until the training's end.
- **Comparisons** are paired by item, within equal base model, suites, cap, number format, corpus and gradient tokens.
  *p, items*: sign flips over items, each item's score averaged over seeds; the null is that these very students are
  equally good on such items. *p, seeds too*: the null is that their methods are, whatever the seed. **These students**
  and **their methods** are the two verdicts on the student against the other: *better* or *worse* where p is at most
  0.05 after Holm's correction over all rows of the table (in brackets; for methods of the larger of both p), else a
  *tie*, which is no proof that they are equal. While a trained student has one seed only, methods stay *open*.
- **Detectable**: the smallest true difference, in points, that the comparison finds with 80 % probability (two-sided,
  5 %, before the correction); in brackets that of items alone, to which more seeds could bring it down.
"""


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
    table, comparisons = students_table(exams), comparisons_table(exams)
    markdown = to_markdown(exams, table, comparisons, progress=progress)
    out_dir = out_dir or folder
    atomic_write_text(out_dir / "students.csv", csv_text(table))
    atomic_write_text(out_dir / "student_comparisons.csv", csv_text(comparisons))
    atomic_write_text(out_dir / "STUDENTS.md", markdown)
    return table


def to_markdown(
    exams: Sequence[Exam],
    table: pd.DataFrame,
    comparisons: pd.DataFrame,
    *,
    progress: Progress | None = None,
) -> str:
    """STUDENTS.md: definitions, then each cohort's ID and OOD table, comparisons and suites, machines below each."""
    parts = ["# Students", DEFINITIONS.rstrip()]
    parts += reasons([exam.record.manifest for exam in exams])
    parts += how_far(progress)
    if not exams:
        parts.append(NOTHING)
    for cohort in cohorts(exams):
        ours = _of(cohort, table)
        pairs, machines = comparisons[_same(cohort, comparisons)], _machines(cohort)
        parts += [f"## {_title(cohort)}", _conditions(cohort)]
        parts += ["### In and out of distribution", *_notes(ours), markdown_table(_pooled(ours)), *machines]
        if not pairs.empty:
            parts += ["### Comparisons", markdown_table([_pair(row) for row in pairs.to_dict("records")]), *machines]
        parts.append("### By suite")
        for suite in cohort.examinees[0].spec.suites:
            origin = f": {escape(suite.origin)}" if suite.origin else ""
            parts.append(f"**{escape(suite.name)}** ({GROUPS[suite.group]}){origin}")
            parts.append(markdown_table([_suite(row) for row in ours[ours["suite"] == suite.name].to_dict("records")]))
            parts += machines
    if progress is not None:
        parts += [*what_failed(progress), *missing_exams(progress.exams)]
    return "\n\n".join(parts) + "\n"


def readme_students(exams: Sequence[Exam]) -> str:
    """A compact Markdown table of each cohort, for the README."""
    table, comparisons = students_table(exams), comparisons_table(exams)
    found = cohorts(exams)
    parts = []
    for cohort in found:
        ours = _of(cohort, table)
        pairs = comparisons[_same(cohort, comparisons)]
        lines = [
            {
                "Student": line["Student"],
                "Seeds": line["Seeds"],
                **_shown(line),
                **_against_untouched(cohort, pairs, name),
            }
            for name, line in zip(_names(ours), _pooled(ours), strict=True)
        ]
        parts += [
            f"{_title(cohort)}; percent right, change in points:",
            *_notes(ours),
            markdown_table(lines),
            *_machines(cohort),
        ]
    return "\n\n".join(parts) or NOTHING


def update_students_readme(readme_path: Path, exams: Sequence[Exam]) -> None:
    """Puts `readme_students` between `<!-- students -->` and `<!-- /students -->`.

    Raises:
        ValueError: the README has not exactly one such block.
    """
    replace_block(readme_path, "students", readme_students(exams))


def _title(cohort: Cohort) -> str:
    if not cohort.corpus:
        return f"{escape(cohort.model)}, untouched only"
    return f"{escape(cohort.model)}, corpus {escape(cohort.corpus[:12])}, {cohort.budget:,.0f} gradient tokens"


def _conditions(cohort: Cohort) -> str:
    spec = cohort.examinees[0].spec
    prompts = "through the chat template" if spec.chat_template else "without a chat template"
    said = f"Answers of at most {spec.max_new_tokens} tokens, in {escape(spec.dtype)}, prompted {prompts}."
    if spec.harness_semantics != HARNESS_SEMANTICS:
        said += (
            f" Scored by semantics {spec.harness_semantics} of the harness, this version has {HARNESS_SEMANTICS}: "
            "not to be compared with other sections; `offbook rescore` scores the same answers again."
        )
    return said


def _machines(cohort: Cohort) -> list[str]:
    """Where the cohort was trained, as far as its records say so, and where it was examined."""
    exams = [exam.record for examinee in cohort.examinees for exam in examinee.exams]
    trained = [record.cost.machine for record in exams if record.cost is not None and record.cost.machine]
    return [
        *machines_below(machine_lines(trained), "Trained on"),
        *machines_below(machine_lines(record.manifest for record in exams), "Examined on"),
    ]


def _of(cohort: Cohort, table: pd.DataFrame) -> pd.DataFrame:
    """The cohort's rows, those of the untouched model among them."""
    return table[_same(cohort, table) | ((table["exam"] == cohort.exam) & (table["corpus"] == ""))]


def _same(cohort: Cohort, table: pd.DataFrame) -> "pd.Series[bool]":
    return (table["exam"] == cohort.exam) & (table["corpus"] == cohort.corpus) & (table["budget"] == cohort.budget)


def _names(rows: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(rows["student"]))


def _notes(rows: pd.DataFrame) -> list[str]:
    """A sentence where suites hold a part of their data set only, and one where questions name their answers."""
    of_suites = rows[rows["suite"] != ALL_SUITES]
    names = sorted({row["suite"] for row in of_suites.to_dict("records") if "dev subset" in row["origin"]})
    notes = [f"Scored on a dev subset: {', '.join(map(escape, names))}."] if names else []
    guessed = rows[(rows["suite"] == ALL_SUITES) & (rows["guessing"] > 0)].groupby("group")["guessing"].first()
    shares = [f"{number(100 * share, 1)} % of {GROUPS[str(group)]}" for group, share in guessed.items()]
    return [*notes, f"Guessing gets {', '.join(shares)}."] if shares else notes


def _pooled(rows: pd.DataFrame) -> list[dict[str, str]]:
    """One line a student: its groups side by side, then what it cost."""
    lines = []
    for name in _names(rows):
        mine = rows[rows["student"] == name]
        pooled = {row["group"]: row for row in mine[mine["suite"] == ALL_SUITES].to_dict("records")}
        row = mine.to_dict("records")[0]
        line = {"Student": escape(name), "Seeds": _seeds(row)}
        for group in (group for group in GROUPS if group in pooled):
            line |= {
                GROUPS[group]: _percent(pooled[group], "accuracy"),
                f"{GROUPS[group]} finished": share(pooled[group]["finished"]),
                f"{GROUPS[group]} seed sd": number(100 * pooled[group]["seed_sd"], 1),
                f"{GROUPS[group]} change": _percent(pooled[group], "change", sign="+"),
            }
        lines.append(
            line
            | {
                "Gradient tokens": count(row["gradient_tokens"]),
                "Kept at": count(row["kept_tokens"]),
                "Distinct sequences": count(row["distinct_sequences"]),
                "Steps": number(row["steps"], 0),
                "Prepare s": number(row["prepare_s"], 0),
                "Precision": PRECISIONS.get(row["mixed_precision"], row["mixed_precision"]) or "-",
                "Train s": number(row["train_s"], 0),
                "Exam s": number(row["exam_s"], 0),
                "Peak MiB": number(row["peak_mib"], 0),
            }
        )
    return lines


def _shown(line: dict[str, str]) -> dict[str, str]:
    columns = [name for group in GROUPS.values() for name in (group, f"{group} finished", f"{group} change")]
    return {name: line[name] for name in columns if name in line}


def _against_untouched(cohort: Cohort, pairs: pd.DataFrame, name: str) -> dict[str, str]:
    """The verdicts on each group against the untouched model, corrected over the whole cohort."""
    bases = [e.label for e in cohort.examinees if e.untouched]
    rows = pairs[(pairs["a"] == name) & pairs["b"].isin(bases)].to_dict("records")
    found = {row["group"]: row for row in rows}
    return {
        title: ", ".join(f"{GROUPS[g]} {found[g][question]}" for g in GROUPS if g in found) or "-"
        for question, title in (("students", "Against untouched: these students"), ("methods", "their methods"))
    }


def _verdict(row: dict[Any, Any], question: str) -> str:
    p = row[f"p_{question}"]
    return row[question] if math.isnan(p) else f"{row[question]} ({_p(p)})"


def _pair(row: dict[Any, Any]) -> dict[str, str]:
    return {
        "Student": escape(row["a"]),
        "Against": escape(row["b"]),
        "Group": GROUPS[row["group"]],
        "Seeds": f"{row['seeds_a']}, {row['seeds_b']}",
        "Items": _items(row),
        "Finished": f"{share(row['finished_a'])}, {share(row['finished_b'])}",
        "Difference": _percent(row, "difference", sign="+"),
        "p, items": _p(row["p_items"]),
        "p, seeds too": _p(row["p_seeds"]),
        "These students": _verdict(row, "students"),
        "Their methods": _verdict(row, "methods"),
        "Detectable": f"{number(100 * row['detectable'], 1)} [{number(100 * row['detectable_items'], 1)}]",
    }


def _suite(row: dict[Any, Any]) -> dict[str, str]:
    return {
        "Student": escape(row["student"]),
        "Seeds": _seeds(row),
        "Items": _items(row),
        "Score": f"{_percent(row, 'score')} {escape(row['metric'])}",
        "Seed sd": number(100 * row["seed_sd"], 1),
        "Change": _percent(row, "change", sign="+"),
        "Answer tokens": number(row["answer_tokens"], 0),
        "Finished": share(row["finished"]),
    }


def _items(row: dict[Any, Any]) -> str:
    groups = "" if row["n_clusters"] == row["n_items"] else f" / {row['n_clusters']}"
    return f"{row['n_items']}{groups}"


def _seeds(row: dict[Any, Any]) -> str:
    return "-" if row["corpus"] == "" else f"{row['seeds']}"


def _percent(row: dict[Any, Any], name: str, *, sign: str = "") -> str:
    return interval(row, name, 1, scale=100, sign=sign)


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else number(value, 3)
