"""Every two students of a cohort, compared on each group of suites: a pure function of exams; a tie is called a tie."""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import pandas as pd

from offbook.harness.records.exam import Exam
from offbook.harness.statistics import crossed as stats
from offbook.harness.tables.cohorts import Cohort, Examinee, bounds, cohorts, difference, items_test, seeds_known
from offbook.harness.tables.columns import fields
from offbook.harness.tables.dimensions import ALL_SUITES
from offbook.harness.tables.progress import Progress, missing_seeds
from offbook.harness.tables.rows import Row
from offbook.harness.tables.student_comparisons_columns import COLUMNS
from offbook.harness.tables.students_columns import in_order
from offbook.harness.tables.students_measures import differences


def comparisons_table(exams: Sequence[Exam], progress: Progress | None = None) -> pd.DataFrame:
    """Every two students of a cohort on each group: a minus b. Holm's corrections are over all rows of the cohort.

    Students between others by their weights are points of curves (`interpolation_curves`), and stand in no comparison.

    Two questions, each with its corrected p-value and its verdict: whether these very students differ on such items
    (sign flips), and whether their methods do, whatever the seed (the larger of that p-value and the one over items
    and seeds); the second is open while a trained student has one seed, or fewer than `progress` expects of it.

    Raises:
        ValueError: exams of one cohort over different documents.
    """
    lost = missing_seeds(progress)
    lines: list[dict[str, Any]] = []
    for cohort in cohorts(exams):
        groups = in_order(s.group for s in cohort.examinees[0].spec.suites)
        trained = [e for e in cohort.examinees if e.spec.student.interpolation is None]
        family = [
            _comparison(a, b, group, cohort)
            for group in groups
            for b, a in combinations(trained, 2)
            if not (a.untouched and b.untouched) and a.suites(group, ALL_SUITES)
        ]
        for line in family:
            line["family"] = len(family)
        known = [line for line in family if not math.isnan(line["p_seeds"]) and not _incomplete(line, lost)]
        _judge(family, "students", [line["p_items"] for line in family])
        _judge(known, "methods", [max(line["p_items"], line["p_seeds"]) for line in known])
        lines += family
    return pd.DataFrame(lines, columns=[*fields(COLUMNS), "label_a", "label_b"])


def _incomplete(line: Row, lost: Counter[tuple[str, str]]) -> bool:
    return any(lost[line["model"], line[side]] for side in ("a", "b"))


def _comparison(a: Examinee, b: Examinee, group: str, cohort: Cohort) -> dict[str, Any]:
    names = a.suites(group, ALL_SUITES)
    (_, ours), (_, theirs), clusters = a.scores(names), b.scores(names), a.clusters(names)
    found, over_items = difference(a, b, names), difference(a, b, names, over_seeds=False)
    return {
        "model": cohort.model,
        "group": group,
        "a": a.spec.student.name,
        "b": b.spec.student.name,
        "label_a": a.label,
        "label_b": b.label,
        "setting_a": a.spec.student.setting(),
        "setting_b": b.spec.student.setting(),
        "seeds_a": len(a.exams),
        "seeds_b": len(b.exams),
        "n_items": len(ours),
        "n_clusters": len(set(clusters)),
        "accuracy_a": float(ours.mean()),
        "accuracy_b": float(theirs.mean()),
        "finished_a": a.finished(names),
        "finished_b": b.finished(names),
        "difference": found.mean,
        **bounds("difference", stats.t_interval(found, bound=1.0)),
        "p_items": items_test(a, b, names),
        "p_seeds": stats.t_test(found) if seeds_known(a, b) else math.nan,
        "p_methods": math.nan,
        "methods": "open",
        "detectable": stats.detectable(found),
        "detectable_items": stats.detectable(over_items),
        **differences(a, b, names),
        "corpus": cohort.corpus,
        "budget": cohort.budget,
        "exam": cohort.exam,
    }


def _judge(family: Sequence[dict[str, Any]], question: str, raw: Sequence[float]) -> None:
    for line, p in zip(family, stats.holm(raw), strict=True):
        line |= {f"p_{question}": p, question: _verdict(p, line["difference"])}


def _verdict(p: float, difference: float) -> str:
    if p > stats.ALPHA:
        return "tie"
    return "better" if difference > 0 else "worse"
