"""Groups of suites in the tables of students: each under a heading, in one order, old records among them."""

from typing import Any, get_args

import pytest

from offbook.harness.records.exam import Exam, SuiteSpec
from offbook.harness.tables.student_comparisons import comparisons_table
from offbook.harness.tables.students import students_table
from offbook.harness.tables.students_columns import ACTIVITY, GROUPS, in_order
from offbook.harness.tables.students_markdown import to_markdown
from offbook.tasks.exam_groups import IN_DISTRIBUTION, Group
from tests.harness.tables.exams import exam, one

PLACES: dict[str, Group] = {"form_a": "form", "months": "forgetting", "sums": "id", "long_sums": "two_steps"}


def sat(student: str, **changes: Any) -> Exam:
    scores = {"form_a": [1, 0], "months": [1, 1, 0, 0], "sums": [1, 0, 1, 0], "long_sums": [0, 0]}
    suites = [
        SuiteSpec(name=name, group=PLACES[name], fingerprint="f", n_docs=len(found)) for name, found in scores.items()
    ]
    return exam(student, scores=scores, suites=suites, **changes)


EXAMS = [sat("untouched"), sat("mind"), sat("uniform")]


def page(exams: list[Exam]) -> str:
    return to_markdown(exams, students_table(exams), comparisons_table(exams))


def test_every_group_has_a_heading() -> None:
    assert tuple(GROUPS) == get_args(Group)
    assert set(GROUPS) >= IN_DISTRIBUTION
    assert len({*GROUPS.values()}) == len(GROUPS)


def test_groups_stand_in_one_order_whatever_that_of_an_exam() -> None:
    assert in_order(["form", "ood", "id"]) == ["id", "form", "ood"]
    table = students_table(EXAMS)
    pooled = table[(table["suite"] == "all") & (table["student"] == "mind")]
    assert pooled["group"].tolist() == ["id", "two_steps", "forgetting", "form"]
    assert comparisons_table(EXAMS)["group"].unique().tolist() == ["id", "two_steps", "forgetting", "form"]


def test_problems_of_one_step_and_of_two_are_pooled_apart() -> None:
    table = students_table(EXAMS)
    assert one(table, student="mind", group="id", suite="all")["accuracy"] == 0.5
    assert one(table, student="mind", group="two_steps", suite="all")["accuracy"] == 0


def test_the_page_shows_the_groups_side_by_side() -> None:
    (head,) = [line for line in page(EXAMS).splitlines() if "Forgetting change" in line]
    places = [head.index(f"| {title} ") for title in ("ID", "ID, two steps", "Forgetting", "Form suites")]
    assert places == sorted(places)
    assert "OOD" not in head


def test_an_exam_up_to_each_suites_own_cap_says_so_and_is_another_exam() -> None:
    own = [sat(name, max_new_tokens=None) for name in ("untouched", "mind")]
    assert "Answers of at most each suite's own cap" in page(own)
    assert set(students_table(own)["max_new_tokens"]) == {""}
    assert one(students_table([*EXAMS, *own]), student="mind", group="id", suite="all", max_new_tokens="")
    assert "Answers of at most 64 tokens" in page(EXAMS)


def test_what_a_method_did_stands_beside_what_it_cost_and_only_where_it_is_known() -> None:
    acted = sat("mind")
    assert acted.record.cost is not None
    cost = acted.record.cost.model_copy(update={"activity": {"visits": 2.5, "set_changed": 0.25, "consistency": 0.0}})
    found = [EXAMS[0], acted._replace(record=acted.record.model_copy(update={"cost": cost})), EXAMS[2]]
    line = one(students_table(found), student="mind", group="id", suite="all")
    assert (line["visits"], line["set_changed"], line["consistency"]) == (2.5, 0.25, 0.0)
    assert one(students_table(found), student="uniform", group="id", suite="all")["visits"] != pytest.approx(2.5)
    assert "| Visits" in page(found)
    assert "| Visits" not in page(EXAMS)
    assert {column.name for column in ACTIVITY} >= {"visits", "set_changed", "meta_steps", "consistency"}
