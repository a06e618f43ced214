"""From exams to the table of students: a pure function of what a folder holds, partial or complete."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from offbook.harness.records.exam import Exam
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.statistics import crossed as stats
from offbook.harness.tables.cohorts import Cohort, Examinee, bounds, cohorts, difference, mean
from offbook.harness.tables.columns import fields
from offbook.harness.tables.dimensions import ALL_SUITES, of_sitting
from offbook.harness.tables.progress import Progress, missing_seeds
from offbook.harness.tables.students_columns import ACTIVITY, COLUMNS, in_order
from offbook.harness.tables.students_measures import measures


def students_table(exams: Sequence[Exam], progress: Progress | None = None) -> pd.DataFrame:
    """One row for each student and group (suite "all"), then one for each suite; the untouched model first.

    An untouched model beside several cohorts has its rows once. `missing_seeds` have not sat the exam that `progress`
    expects of them.

    Raises:
        ValueError: exams of one cohort over different documents.
    """
    lines: dict[str, dict[str, Any]] = {}
    for cohort in cohorts(exams):
        bases = [e for e in cohort.examinees if e.untouched]
        base = max(bases, key=lambda e: e.exams[0].record.finished_utc, default=None)
        suites = [(s.group, s.name) for s in cohort.examinees[0].spec.suites]
        groups = in_order(group for group, _ in suites)
        for group, suite in [*((group, ALL_SUITES) for group in groups), *suites]:
            for examinee in cohort.examinees:
                if examinee.suites(group, suite):
                    line = _line(examinee, base, group, suite, cohort)
                    lines.setdefault(canonical_sha256([examinee.spec.setting(), group, suite]), line)
    table = pd.DataFrame(list(lines.values()), columns=[*fields(COLUMNS), "label"])
    lost = missing_seeds(progress)
    return table.assign(missing_seeds=[lost[row["model"], row["student"]] for row in table.to_dict("records")])


def _line(examinee: Examinee, base: Examinee | None, group: str, suite: str, cohort: Cohort) -> dict[str, Any]:
    names = examinee.suites(group, suite)
    items, scores_IS = examinee.scores(names)
    clusters = examinee.clusters(names)
    rows = [row for exam in examinee.exams for row in exam.rows if row.suite in names]
    costs = [exam.record.cost for exam in examinee.exams if exam.record.cost is not None]
    seeds = [exam.record.spec.student.seed for exam in examinee.exams]
    right, interval = all(map(examinee.is_share, names)), stats.accuracy_interval(scores_IS, clusters)
    change = stats.Estimate(math.nan, math.nan, 0)
    if base is not None and not examinee.untouched:
        change = difference(examinee, base, names)
    return {
        **of_sitting(examinee.spec),
        "label": examinee.label,
        "student_setting": examinee.spec.student.setting(),
        "max_new_tokens": examinee.spec.max_new_tokens or "",
        "semantics": examinee.spec.harness_semantics,
        "training_seeds": " ".join(map(str, seeds)),
        "group": group,
        "suite": suite,
        "origin": "; ".join(s.origin for s in examinee.spec.suites if s.name in names and s.origin),
        "seeds": len(seeds),
        "n_suites": len(names),
        "n_items": len(items),
        "n_clusters": len(set(clusters)),
        "metric": " ".join(sorted({examinee.exams[0].record.metrics[name] for name in names})),
        "score": float(scores_IS.mean()),
        **bounds("score", interval),
        "accuracy": float(scores_IS.mean()) if right else math.nan,
        **bounds("accuracy", interval if right else None),
        "guessing": _guessing([row.choices for row in rows]),
        "seed_sd": stats.seed_sd(scores_IS),
        "change": change.mean,
        **bounds("change", stats.t_interval(change, bound=1.0 if right else math.inf)),
        **measures(examinee, base, names),
        "gradient_tokens": mean([cost.gradient_tokens for cost in costs]),
        "kept_tokens": mean([cost.kept_tokens for cost in costs]),
        "distinct_sequences": mean([cost.distinct_sequences for cost in costs]),
        "steps": mean([cost.steps for cost in costs]),
        "tries": mean([cost.tries for cost in costs if cost.tries is not None]),
        **{one.name: mean([c.activity[one.name] for c in costs if one.name in c.activity]) for one in ACTIVITY},
        "mixed_precision": ", ".join(sorted({_precision(exam) for exam in examinee.exams} - {""})),
        "saved_dtype": ", ".join(sorted({cost.saved_dtype for cost in costs if cost.saved_dtype is not None})),
        "prepare_s": mean([cost.prepared_s for cost in costs if cost.prepared_s is not None]),
        "train_s": mean([cost.wall_s for cost in costs]),
        "exam_s": mean([exam.record.wall_s for exam in examinee.exams]),
        "peak_mib": max((cost.peak_bytes / 2**20 for cost in costs), default=math.nan),
        "answer_tokens": mean([row.tokens for row in rows]),
        "finished": examinee.finished(names),
        "corpus": "" if examinee.untouched else cohort.corpus,
        "budget": examinee.budget,
        "exam": cohort.exam,
        "setting": canonical_sha256([examinee.spec.rerun(), seeds, group, suite]),
    }


def _precision(exam: Exam) -> str:
    """The mixed precision that a student was trained in; "" for the untouched model."""
    cost = exam.record.cost
    return (
        ""
        if cost is None
        else cost.mixed_precision or str(exam.record.spec.student.training.get("mixed_precision", "no"))
    )


def _guessing(choices: Sequence[int | None]) -> float:
    """Accuracy of guessing among the answers that questions name, 0 where they name none; nan where not known."""
    return mean([math.nan if n is None else 1 / n if n else 0.0 for n in choices])
