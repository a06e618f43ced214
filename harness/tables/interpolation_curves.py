"""Each student's curve from its base model to itself: what a training gained against what it cost elsewhere.

    python -m offbook.harness.tables.interpolation_curves results/study results/study/curves.csv

A curve's points are exams: of the untouched model (a = 0), of the students between it and a trained one (`interpolate`
of a matrix), and of that one (a = 1). Only students that have such siblings have a curve, which is over their seeds. A
point's score in a group is as in STUDENTS.md: all documents of its suites that are scored right or wrong, seeds
averaged. Beside it stand what forgetting is read on: form, accuracy by likelihood, and the right answer's NLL.
"""

import argparse
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from offbook.engine.files import atomic_write_text
from offbook.harness.records.exam import Exam
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.store import Store
from offbook.harness.statistics import crossed as stats
from offbook.harness.statistics.intervals import Floats
from offbook.harness.tables.cohorts import Cohort, Examinee, bounds, cohorts
from offbook.harness.tables.dimensions import ALL_SUITES
from offbook.harness.tables.students_columns import in_order
from offbook.harness.tables.students_measures import MEASURES

MEASURED = ("form", "likelihood_acc_norm", "gold_nll")  # beside the score, where exams measured them
FIELDS = (
    *("model", "student", "a", "seeds", "group", "n_items", "score", "score_low", "score_high"),
    *(*MEASURED, "budget", "exam"),
)


def interpolation_curves(exams: Sequence[Exam]) -> pd.DataFrame:
    """One row for each point and group, curve by curve, a rising."""
    lines = [
        _line(examinee, name, a, group, cohort)
        for cohort in cohorts(exams)
        for name, points in _curves(cohort).items()
        for a, examinee in points
        for group in in_order(suite.group for suite in examinee.spec.suites)
        if examinee.suites(group, ALL_SUITES)
    ]
    return pd.DataFrame(lines, columns=list(FIELDS))


def _curves(cohort: Cohort) -> dict[str, list[tuple[float, Examinee]]]:
    """Points by the label of the trained student."""
    between: dict[str, list[tuple[float, Examinee]]] = defaultdict(list)
    for examinee in cohort.examinees:
        if (place := examinee.spec.student.interpolation) is not None:
            between[_training(examinee)].append((place.a, examinee))
    untouched = [(0.0, examinee) for examinee in cohort.examinees if examinee.untouched][-1:]
    curves = {}
    for examinee in cohort.examinees:
        trained = not examinee.untouched and examinee.spec.student.interpolation is None
        points = sorted(between.get(_training(examinee), []), key=lambda p: p[0]) if trained else []
        if points and (end := _over_their_seeds(examinee, [point for _, point in points])) is not None:
            curves[examinee.label] = [*untouched, *points, (1.0, end)]
    return curves


def _over_their_seeds(trained: Examinee, points: Sequence[Examinee]) -> Examinee | None:
    """A trained student over the seeds of the points before it, so that a curve is of one set of trainings."""
    seeds = {exam.record.spec.student.seed for point in points for exam in point.exams}
    exams = tuple(exam for exam in trained.exams if exam.record.spec.student.seed in seeds)
    return replace(trained, exams=exams) if exams else None


def _training(examinee: Examinee) -> str:
    """What a trained student and those between it and its base have in common."""
    plain = examinee.spec.student.model_copy(update={"interpolation": None, "seed": 0, "name": ""})
    return canonical_sha256(plain.model_dump())


def _line(examinee: Examinee, name: str, a: float, group: str, cohort: Cohort) -> dict[str, object]:
    names = examinee.suites(group, ALL_SUITES)
    items, scores_IS = examinee.scores(names)
    return {
        "model": cohort.model,
        "student": name,
        "a": a,
        "seeds": len(examinee.exams),
        "group": group,
        "n_items": len(items),
        "score": _mean(scores_IS),
        **bounds("score", stats.accuracy_interval(scores_IS, examinee.clusters(names))),
        **{name: _mean(examinee.scores(names, MEASURES[name])[1]) for name in MEASURED},
        "budget": cohort.budget,
        "exam": cohort.exam,
    }


def _mean(values_IS: Floats) -> float:
    """Over items and seeds; unknown without any."""
    return float(values_IS.mean()) if values_IS.size else math.nan


def main() -> None:
    """Writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("csv", type=Path)
    given = parser.parse_args()
    try:
        curves = interpolation_curves(Store(given.folder).exams())
    except ValueError as error:
        parser.error(str(error))
    atomic_write_text(given.csv, curves.to_csv(index=False, lineterminator="\n", float_format="%.6g"))


if __name__ == "__main__":
    main()
