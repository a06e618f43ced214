"""What trainings logged of their parts, student by student."""

import math
from typing import Any

import pytest

from offbook.harness.records.exam import Exam
from offbook.harness.tables.activity import COLUMNS, activity_table
from offbook.harness.tables.columns import Table, to_markdown
from offbook.harness.tables.csv_file import to_csv
from tests.harness.tables.exams import exam


def acted(seed: int = 0, name: str = "mind", perspective: str | None = None, **activity: float) -> Exam:
    found = exam(name, seed)
    assert found.record.cost is not None
    cost = found.record.cost.model_copy(update={"activity": activity, "perspective": perspective})
    return Exam(found.record.model_copy(update={"cost": cost}), found.rows)


def rows(*exams: Exam) -> list[dict[str, Any]]:
    return activity_table(exams).to_dict("records")


def test_numbers_are_means_over_seeds() -> None:
    (line,) = rows(acted(0, visits=2.0, set_changed=0.5), acted(1, visits=4.0, set_changed=0.0))
    assert (line["student"], line["seeds"], line["visits"], line["set_changed"]) == ("mind", 2, 3.0, 0.25)
    assert line["budget"] == 5000
    assert math.isnan(line["meta_steps"]), "what nobody logged is not known"


def test_who_logs_nothing_and_has_found_nothing_has_no_row() -> None:
    assert [line["student"] for line in rows(exam("untouched"), exam("plain"), acted(visits=1.0))] == ["mind"]


def test_watched_rates_stand_by_rate() -> None:
    (line,) = rows(acted(**{"meta_loss": 0.3, "meta_loss/0.001": 0.2, "meta_loss/3e-05": 0.4}))
    assert line["watched"] == "3e-05: 0.4000, 0.001: 0.2000"


def test_the_perspective_that_was_found_is_told_once() -> None:
    (line,) = rows(acted(0, "auto", "planning"), acted(1, "auto", "planning"))
    assert line["perspectives"] == "planning"


def test_the_table_has_a_page_and_a_file() -> None:
    table = Table(columns=COLUMNS, rows=activity_table([acted(visits=2.0, met_again=1.0, consistency=0.01)]))
    page = to_markdown(table)
    assert "Set changed" in page
    assert "Watched" not in page, "nobody watched"
    assert to_csv(table).splitlines()[0].startswith("model,student,budget,seeds,perspectives,visits,met_again")


@pytest.mark.parametrize("column", [column for column in COLUMNS if "markdown" in column.shown_in])
def test_what_is_shown_has_a_heading(column: Any) -> None:
    assert column.heading
