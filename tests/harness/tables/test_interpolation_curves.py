"""Curves from the untouched model to a student, from the exams of those between them."""

import pytest

from offbook.harness.records.exam import Exam
from offbook.harness.tables.interpolation_curves import interpolation_curves
from offbook.harness.tables.student_comparisons import comparisons_table
from tests.harness.tables.exams import exam


def sat(name: str, scores: tuple[int, ...], a: float | None = None, seed: int = 0, **changes: object) -> Exam:
    found = exam(name, seed, {"sums": scores, "dates": (1, 0, 0, 0)}, **changes)
    if a is None:
        return found
    student = found.record.spec.student
    place = {"a": a, "parent_sha256": f"parent {seed}"}
    between = student.model_validate(student.model_dump() | {"interpolation": place})
    spec = found.record.spec.model_copy(update={"student": between, "weights_sha256": f"{name} {seed} {a}"})
    return found._replace(record=found.record.model_copy(update={"spec": spec, "key": spec.key()}))


EXAMS = [
    sat("untouched", (0, 0, 0, 0)),
    sat("taught", (1, 1, 1, 0), method="taught"),
    sat("taught", (1, 1, 1, 1), seed=1, method="taught"),
    sat("taught, 0.75 of the way", (1, 1, 0, 0), 0.75, method="taught"),
    sat("taught, 0.25 of the way", (1, 0, 0, 0), 0.25, method="taught"),
    sat("taught, 0.25 of the way", (0, 0, 0, 0), 0.25, seed=1, method="taught"),
    sat("alone", (1, 0, 0, 0), method="alone"),
]


def test_a_curve_runs_from_the_untouched_model_through_all_between_to_the_student():
    curves = interpolation_curves(EXAMS)
    points = curves[(curves["group"] == "id")]
    assert points["student"].unique().tolist() == ["taught"], "one without siblings has no curve"
    assert points["a"].tolist() == [0.0, 0.25, 0.75, 1.0]
    assert points["score"].tolist() == pytest.approx([0, 1 / 8, 1 / 2, 7 / 8])
    assert points["seeds"].tolist() == [1, 2, 1, 2], "whose parents have other weights for every seed"
    assert len(curves) == 8


def test_students_that_differ_in_more_than_the_place_have_curves_of_their_own():
    slow = {"gradient_tokens": 5000, "learning_rate": 1e-5}
    more = [
        sat("slow", (1, 1, 0, 0), method="taught", training=slow),
        sat("slow, 0.5 of the way", (1, 0, 0, 0), 0.5, method="taught", training=slow),
    ]
    curves = interpolation_curves([*EXAMS, *more])
    assert sorted(curves["student"].unique()) == ["slow", "taught"]
    assert curves[curves["student"] == "slow"]["a"].unique().tolist() == [0.0, 0.5, 1.0]


def test_points_of_curves_stand_in_no_comparison():
    pairs = comparisons_table(EXAMS)
    assert {*pairs["a"], *pairs["b"]} == {"untouched", "taught", "alone"}


def test_without_students_between_others_there_are_none():
    assert interpolation_curves(EXAMS[:3]).empty
