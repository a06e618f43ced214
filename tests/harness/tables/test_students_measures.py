"""Form, likelihood, right answers and divergence in the tables: told apart, with intervals, blank in old exams."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from offbook.harness.records.choice_scores import ChoiceScores
from offbook.harness.records.divergence import TextDivergence
from offbook.harness.records.exam import Exam
from offbook.harness.records.store import Store
from offbook.harness.statistics.intervals import mean_interval, wilson
from offbook.harness.tables.columns import Table, fields
from offbook.harness.tables.csv_file import from_csv, to_csv
from offbook.harness.tables.frames import answers, records
from offbook.harness.tables.reproduction import STUDENTS, compare_tables
from offbook.harness.tables.student_comparisons import comparisons_table
from offbook.harness.tables.students import students_table
from offbook.harness.tables.students_columns import COLUMNS
from offbook.harness.tables.students_markdown import to_markdown
from offbook.harness.tables.students_measures_columns import MEASURED
from tests.harness.tables.exams import exam, filled, one

MEASURED_FIELDS = [name for column in MEASURED if column.interval for name in column.fields]
COMMITTED = Path(__file__).parents[3] / "results"


def scores(named: int | None, *, right: int = 0, likeliest: int = 0, mass: float = 0.5) -> ChoiceScores:
    """Of a question of four choices of one length."""
    likelihoods = tuple(-1.0 if place == likeliest else -3.0 for place in range(4))
    return ChoiceScores(right=right, named=named, loglikelihoods=likelihoods, characters=(4, 4, 4, 4), mass=mass)


def dated(name: str, found: Sequence[ChoiceScores], seed: int = 0, **more: Any) -> Exam:
    """An exam over questions with choices, right by text where the right one is named."""
    right = [float(each.named == each.right) for each in found]
    return exam(name, seed, {"dates": right}, measured={"dates": found}, **more)


def line(table: pd.DataFrame, student: str, suite: str = "dates") -> dict[Any, Any]:
    return one(table, student=student, suite=suite)


def test_a_student_that_answers_numbers_only_loses_form_and_not_likelihood() -> None:
    """What the instrument is for: the untouched model names a choice, the student a number; both know the same."""
    knows = [scores(n % 4, likeliest=0 if n % 5 else 1) for n in range(40)]
    formless = [each.model_copy(update={"named": None}) for each in knows]
    table = students_table([dated("untouched", knows), dated("mind", formless)])
    before, after = line(table, "untouched"), line(table, "mind")
    assert (before["form"], after["form"], after["form_change"]) == (1, 0, -1)
    assert before["likelihood_acc_norm"] == after["likelihood_acc_norm"] == 0.8
    assert after["likelihood_acc_norm_change"] == 0
    assert before["accuracy"] == 0.25
    assert after["accuracy"] == 0
    assert before["above_guessing"] == pytest.approx(0, abs=1e-12)
    assert math.isnan(after["above_guessing"]), "who names nothing is right of nothing"


def test_accuracy_is_form_times_what_is_right_of_it() -> None:
    found = [scores(0)] * 6 + [scores(1)] * 2 + [scores(None)] * 8
    row = line(students_table([dated("untouched", found)]), "untouched")
    assert row["form"] == 0.5
    assert row["above_guessing"] == pytest.approx(6 / 8 - 1 / 4)
    assert row["accuracy"] == pytest.approx(row["form"] * (row["above_guessing"] + 1 / 4))
    assert row["above_guessing_low"] < row["above_guessing"] < row["above_guessing_high"]
    assert (row["form_low"], row["form_high"]) == pytest.approx(tuple(wilson(8, 16)))
    assert row["n_choice_items"] == 16


def test_what_is_right_of_form_is_a_ratio_over_items_and_seeds() -> None:
    seeds = [
        [scores(0)] * 4 + [scores(None)] * 4,
        [scores(0)] * 2 + [scores(1)] * 6,
    ]
    row = line(students_table([dated("mind", found, seed) for seed, found in enumerate(seeds)]), "mind")
    assert row["above_guessing"] == pytest.approx(6 / 12 - 1 / 4)
    assert row["form"] == pytest.approx(12 / 16)
    assert row["above_guessing_low"] < row["above_guessing"] < row["above_guessing_high"]


def test_nothing_is_guessed_where_a_question_does_not_name_its_choices() -> None:
    found = [scores(0).model_copy(update={"listed": False})] * 3 + [scores(1).model_copy(update={"listed": False})]
    row = line(students_table([dated("untouched", found)]), "untouched")
    assert row["above_guessing"] == pytest.approx(3 / 4)
    assert row["likelihood_guessing"] == 0.25


def test_likelihood_is_told_by_choice_and_by_character() -> None:
    long = ChoiceScores(right=1, named=None, loglikelihoods=(-2.0, -3.0), characters=(2, 6), mass=0.2)
    row = line(students_table([dated("untouched", [long, long, long])]), "untouched")
    assert (row["likelihood_acc"], row["likelihood_acc_norm"]) == (0, 1)
    assert row["choice_mass"] == pytest.approx(0.2)


def test_like_questions_are_one_draw_here_too() -> None:
    found = [scores(0)] * 6 + [scores(None)] * 6
    stories = [str(place // 3) for place in range(12)]
    alone = line(students_table([dated("untouched", found)]), "untouched")
    grouped = line(students_table([dated("untouched", found, clusters=stories)]), "untouched")
    for name in ("form", "above_guessing"):
        assert alone[name] == grouped[name]
    assert grouped["form_high"] - grouped["form_low"] > alone["form_high"] - alone["form_low"]


def test_right_answers_have_their_mean_and_change_in_nats() -> None:
    before = exam("untouched", scores={"sums": [0, 0, 1]}, measured={"sums": [4.0, 2.0, 3.0]})
    after = exam("mind", scores={"sums": [0, 1, 1]}, measured={"sums": [1.0, 0.5, 0.25]})
    table = students_table([before, after])
    row = one(table, student="mind", suite="sums")
    interval = mean_interval([1.0, 0.5, 0.25])
    assert interval is not None
    assert row["gold_nll"] == pytest.approx(1.75 / 3)
    assert (row["gold_nll_low"], row["gold_nll_high"]) == pytest.approx(tuple(interval))
    assert row["gold_nll_change"] == pytest.approx(1.75 / 3 - 3)
    assert row["gold_nll_change_low"] < row["gold_nll_change"] < row["gold_nll_change_high"] < 0
    assert math.isnan(row["form"])
    assert row["n_choice_items"] == 0


def read(nats: Sequence[float], kind: str = "task") -> list[TextDivergence]:
    return [
        TextDivergence.model_validate({"kind": kind, "id": f"t{n}", "tokens": 10 * (n + 1), "nats": value})
        for n, value in enumerate(nats)
    ]


def test_divergence_is_a_mean_over_all_tokens_of_texts_and_seeds() -> None:
    exams = [
        dated("mind", [scores(0)] * 4, seed, divergence=[*read(nats), *read([1.0, 1.0, 1.0], "generic")])
        for seed, nats in enumerate(([1.0, 2.0, 6.0], [3.0, 4.0, 2.0]))
    ]
    row = line(students_table([dated("untouched", [scores(0)] * 4), *exams]), "mind")
    assert row["kl_task"] == pytest.approx(18 / 120)
    assert row["kl_generic"] == pytest.approx(6 / 120)
    assert row["kl_task_low"] < row["kl_task"] < row["kl_task_high"]
    other = dated("mind", [scores(0)] * 4, 2, divergence=read([1.0, 2.0]))
    assert math.isnan(line(students_table([*exams, other]), "mind")["kl_task"]), "seeds against different texts"


def test_two_students_are_compared_on_them_item_by_item() -> None:
    one_form, other = [scores(0)] * 3 + [scores(None)] * 9, [scores(0)] * 9 + [scores(None)] * 3
    exams = [
        dated("untouched", one_form),
        *(dated("mind", one_form, seed) for seed in (0, 1)),
        *(dated("uniform", other, seed) for seed in (0, 1)),
    ]
    pairs = comparisons_table(exams)
    row = one(pairs, a="uniform", b="mind")
    assert row["form_difference"] == pytest.approx(0.5)
    assert row["form_difference_low"] < 0.5 < row["form_difference_high"]
    assert row["likelihood_acc_norm_difference"] == 0
    assert math.isnan(row["gold_nll_difference"])
    page = to_markdown(exams, students_table(exams), pairs)
    assert "Form, difference" in page
    assert "Answer NLL, difference" not in page


def test_exams_of_old_versions_have_blanks_and_their_page_is_what_it_was() -> None:
    exams = [exam("untouched"), exam()]
    table = students_table(exams)
    assert table[MEASURED_FIELDS].isna().all().all()
    page = to_markdown(exams, table, comparisons_table(exams))
    assert "### Form and likelihood" not in page
    assert not [row for row in page.splitlines() if row.startswith("|") and "By likelihood" in row]


def test_a_student_of_which_only_some_seeds_were_measured_has_blanks() -> None:
    measured = dated("mind", [scores(0), scores(None)])
    old = exam("mind", 1, {"dates": [1, 0]})
    row = line(students_table([measured, old]), "mind")
    assert row["seeds"] == 2
    assert all(math.isnan(row[name]) for name in MEASURED_FIELDS)


def test_an_exam_sat_again_with_measures_takes_the_place_of_the_old_one() -> None:
    old = exam("mind", scores={"dates": [1, 0]})
    again = dated("mind", [scores(0), scores(None)], later=5)
    row = line(students_table([old, again]), "mind")
    assert (row["seeds"], row["form"]) == (1, 0.5)


@pytest.mark.skipif(not (COMMITTED / "ledger.jsonl").is_file(), reason="no committed results here")
def test_committed_exams_load_with_whatever_was_measured_when_they_were_made() -> None:
    exams = Store(COMMITTED).exams()
    assert exams
    table = students_table(exams)
    assert list(table.columns)[: len(fields(COLUMNS))] == fields(COLUMNS)
    if not any(exam.record.spec.measures for exam in exams):
        assert table[MEASURED_FIELDS].isna().all().all()


def test_the_page_shows_them_with_what_they_mean() -> None:
    exams = [dated("untouched", [scores(0), scores(1)]), dated("mind", [scores(0), scores(None)], divergence=read([1]))]
    page = to_markdown(exams, students_table(exams), comparisons_table(exams))
    assert page.count("### Form and likelihood") == 1
    part = page.partition("### Form and likelihood")[2]
    heading = next(row for row in part.splitlines() if row.startswith("| Student"))
    for title in ("Form", "Right given form, above guessing", "By likelihood", "Choice mass", "KL task"):
        assert f"| {title} " in heading
    assert "Answer NLL" not in heading, "no question in distribution was asked"
    assert "**Right given form, above guessing**: of the answers" in " ".join(page.split())


def test_csv_keeps_every_digit_and_a_rerun_is_held_against_what_was_measured(tmp_path: Path) -> None:
    found = [scores(0), scores(1), scores(None), scores(0)]
    new = students_table([dated("untouched", found)])
    old = students_table([exam("untouched", scores={"dates": [1, 0, 0, 1]})])
    (tmp_path / "students.csv").write_text(to_csv(Table(columns=COLUMNS, rows=new)))
    again = from_csv(tmp_path / "students.csv", COLUMNS)
    assert again["choice_mass"].tolist() == new["choice_mass"].tolist()
    assert compare_tables(STUDENTS, new, again).holds
    against_old = compare_tables(STUDENTS, new, old)
    assert not against_old.differs, "what an old exam did not measure holds nothing against a new one"
    worse = compare_tables(STUDENTS, students_table([dated("untouched", [scores(None)] * 4)]), again)
    assert worse.differs
    assert worse.table["reason"].str.contains("above guessing").any()


def test_data_frames_have_them_a_document(tmp_path: Path) -> None:
    found = [scores(2, right=1, likeliest=1), scores(None)]
    folder = filled(tmp_path / "store", [dated("mind", found, divergence=read([1.0, 2.0]))])
    table = answers(folder)
    assert table["named_choice"].tolist()[0] == 2
    assert table["named_choice"].isna().tolist() == [False, True]
    assert table["right_choice"].tolist() == [1, 0]
    assert table["right_by_likelihood"].tolist() == [True, True]
    assert table["choice_mass"].tolist() == [0.5, 0.5]
    assert table["gold_nll"].isna().all()
    (row,) = records(folder).to_dict("records")
    assert row["kl_task"] == pytest.approx(3 / 30)
    assert math.isnan(row["kl_generic"])
