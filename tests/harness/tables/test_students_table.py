"""The students' tables: pure functions of exams, nothing pooled or compared that is not alike, a tie called a tie."""

import io
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from offbook.harness.records.exam import Exam, SuiteSpec
from offbook.harness.statistics.crossed import holm
from offbook.harness.statistics.intervals import wilson
from offbook.harness.tables.cohorts import cohorts
from offbook.harness.tables.columns import Table, fields
from offbook.harness.tables.csv_file import csv_text, from_csv, to_csv
from offbook.harness.tables.progress import Count, FailureRow, MissingExam, Progress
from offbook.harness.tables.student_comparisons import comparisons_table
from offbook.harness.tables.student_comparisons_columns import COLUMNS as COMPARISON_COLUMNS
from offbook.harness.tables.students import students_table
from offbook.harness.tables.students_columns import COLUMNS
from offbook.harness.tables.students_markdown import NOTHING, to_markdown, write_students
from tests.harness.tables.exams import exam, filled, one, three_students

# --- students_table ---


def test_a_row_holds_the_means_over_items_and_seeds() -> None:
    table = students_table(
        [
            exam("untouched"),
            exam(seed=0, scores={"sums": [1, 1, 1, 0], "dates": [0, 1, 0, 0]}),
            exam(seed=1, scores={"sums": [1, 1, 0, 0], "dates": [0, 1, 0, 0]}),
        ]
    )
    line = one(table, student="mind", group="id", suite="all")
    assert (line["seeds"], line["n_items"], line["accuracy"]) == (2, 4, 5 / 8)
    assert line["accuracy_low"] < 5 / 8 < line["accuracy_high"]
    assert line["seed_sd"] == pytest.approx(math.sqrt(0.03125))
    assert line["change"] == pytest.approx(1 / 8)
    assert line["change_low"] < 1 / 8 < line["change_high"]
    assert (line["gradient_tokens"], line["distinct_sequences"], line["train_s"]) == (5000.5, 80, 30.5)
    assert line["prepare_s"] == 7.0
    assert (line["exam_s"], line["peak_mib"], line["answer_tokens"], line["finished"]) == (9.0, 2.0, 11.5, 0.5)
    assert (line["corpus"], line["budget"], line["method"], line["metric"]) == ("cd" * 32, 5000, "mind", "acc")
    assert one(table, student="mind", group="ood", suite="all")["change"] == -0.25, "forgetting"


def test_a_section_says_where_later_exams_ask_otherwise_under_the_same_names() -> None:
    asked = (("sums", "id", "e"), ("dates", "ood", "f"))
    other = [SuiteSpec(name=name, group=group, fingerprint=sign * 64, n_docs=4) for name, group, sign in asked]
    exams = [exam("untouched"), exam(), exam("untouched", later=5, suites=other), exam(later=6, suites=other)]
    page = " ".join(to_markdown(exams, students_table(exams), comparisons_table(exams)).split())
    assert page.count("Later exams on this page ask or score otherwise under the same names (sums): nothing here") == 1
    alone = to_markdown(exams[:2], students_table(exams[:2]), comparisons_table(exams[:2]))
    assert "Later exams" not in alone


def test_tries_stand_there_only_where_somebody_said_how_many() -> None:
    exams = [exam("untouched"), exam()]
    assert "| Tries" not in to_markdown(exams, students_table(exams), comparisons_table(exams))
    cost = exams[1].record.cost
    assert cost is not None
    told = exams[1].record.model_copy(update={"cost": cost.model_copy(update={"tries": 3})})
    exams[1] = exams[1]._replace(record=told)
    assert "| Tries" in to_markdown(exams, students_table(exams), comparisons_table(exams))


def test_the_number_formats_that_the_seeds_are_stored_in_stand_in_table_and_page() -> None:
    exams = [exam("untouched"), exam(seed=0, stored="bfloat16"), exam(seed=1, stored="float32"), exam("older")]
    table = students_table(exams)
    found = table[(table["group"] == "id") & (table["suite"] == "all")].set_index("student")["saved_dtype"]
    assert found.to_dict() == {"untouched": "", "mind": "bfloat16, float32", "older": ""}
    page = to_markdown(exams, table, comparisons_table(exams))
    (heading, *lines) = [line for line in page.splitlines() if line.startswith("|") and "Stored" in page][:5]
    place = heading.split("|").index(next(cell for cell in heading.split("|") if cell.strip() == "Stored"))
    stored = {line.split("|")[1].strip(): line.split("|")[place].strip() for line in lines[1:]}
    assert stored["mind"] == "bf16, fp32"
    assert stored["untouched"] == "-"


def test_the_untouched_model_has_one_seed_no_cost_and_no_change() -> None:
    line = one(students_table([exam("untouched"), exam()]), student="untouched", group="id", suite="all")
    assert (line["accuracy_low"], line["accuracy_high"]) == wilson(2, 4)
    assert all(math.isnan(line[name]) for name in ("change", "seed_sd", "gradient_tokens", "train_s", "peak_mib"))
    assert (line["corpus"], line["budget"]) == ("", 0)


def test_without_the_untouched_model_there_is_no_change() -> None:
    line = one(students_table([exam()]), group="id", suite="all")
    assert math.isnan(line["change"])
    assert math.isnan(line["change_low"])


def test_one_item_of_one_seed_gives_no_interval_but_wilsons() -> None:
    table = students_table([exam("untouched", scores={"sums": [0]}), exam(scores={"sums": [1]})])
    line = one(table, student="mind", suite="all")
    assert (line["accuracy_low"], line["accuracy_high"]) == wilson(1, 1)
    assert line["change"] == 1.0
    assert all(math.isnan(line[name]) for name in ("change_low", "change_high", "seed_sd"))


def test_a_group_pools_its_documents_and_each_suite_has_its_row() -> None:
    scores = {"sums": [1, 1, 1, 1, 1, 0], "more": [0, 0], "dates": [1]}
    table = students_table([exam(scores=scores)])
    assert one(table, group="id", suite="all")["accuracy"] == 5 / 8
    assert one(table, suite="sums")["accuracy"] == 5 / 6
    assert one(table, suite="more")["n_items"] == 2
    assert list(table["suite"]) == ["all", "all", "sums", "more", "dates"]


def test_like_questions_count_as_one_and_the_tables_say_so() -> None:
    right, wrong = {"sums": [1.0] * 12}, {"sums": [0.0] * 12}
    stories = [str(i // 4) for i in range(12)]
    for clusters, n, p in (((), 12, 2 / 2**12), (stories, 3, 2 / 2**3)):
        exams = [exam("untouched", scores=wrong, clusters=clusters), exam(scores=right, clusters=clusters)]
        line = students_table(exams).query("suite == 'sums' and student == 'mind'").to_dict("records")[0]
        assert (line["n_items"], line["n_clusters"]) == (12, n)
        assert (line["accuracy_low"], line["accuracy_high"]) == pytest.approx(tuple(wilson(n, n)))
        (pair,) = comparisons_table(exams).to_dict("records")
        assert (pair["n_clusters"], pair["p_items"]) == (n, pytest.approx(p))
    markdown = to_markdown(exams, students_table(exams), comparisons_table(exams))
    assert "12 / 3" in markdown


@pytest.mark.parametrize(("choices", "expected"), [(4, 0.25), (0, 0.0), (None, math.nan)])
def test_what_guessing_gets_stands_beside(choices: int | None, expected: float) -> None:
    exams = [exam("untouched", choices=choices), exam(choices=choices)]
    table = students_table(exams)
    assert table["guessing"].tolist() == pytest.approx([expected] * len(table), nan_ok=True)
    shown = "Guessing gets 25.0 % of ID, 25.0 % of OOD."
    assert (shown in to_markdown(exams, table, comparisons_table(exams))) == (choices == 4)


def test_every_row_says_how_many_answers_ended_by_themselves() -> None:
    exams = three_students()
    table, comparisons = students_table(exams), comparisons_table(exams)
    assert set(table["finished"]) == {0.5}
    assert set(comparisons["finished_a"]) == set(comparisons["finished_b"]) == {0.5}
    text = to_markdown(exams, table, comparisons)
    headings = [line for line in text.splitlines() if line.startswith("| Student")]
    assert len(headings) == 4
    assert all("inished " in heading for heading in headings)


def test_graded_suites_are_not_pooled_with_right_and_wrong() -> None:
    graded = exam(scores={"sums": [0.25, 0.5]}, metric="rouge1")
    table = students_table([graded])
    assert list(table["suite"]) == ["sums"]
    line = one(table, suite="sums")
    assert (line["metric"], line["score"]) == ("rouge1", 0.375)
    assert math.isnan(line["accuracy"])
    assert graded.right() == []
    points = exam("untouched", scores={"sums": [1, 9]}, metric="points")
    far = students_table([points, exam(scores={"sums": [90, 40]}, metric="points")])
    assert one(far, student="mind")["change_high"] > 100
    assert comparisons_table([graded, exam("untouched", scores={"sums": [0.1, 0.5]}, metric="rouge1")]).empty
    filtered = students_table([exam(scores={"sums": [1, 0]}, metric="exact_match,flexible")])
    assert one(filtered, suite="all")["metric"] == "exact_match,flexible"


def test_the_later_of_two_exams_of_one_seed_counts_and_is_no_second_seed() -> None:
    again = exam(scores={"sums": [1, 1, 1, 1]}, weights_sha256="elsewhere", later=5)
    line = one(students_table([again, exam(scores={"sums": [0, 0, 0, 0]})]), group="id", suite="all")
    assert (line["seeds"], line["accuracy"]) == (1, 1.0)


def test_seeds_that_answered_other_documents_are_refused() -> None:
    moved = exam(seed=1)
    moved = moved._replace(rows=tuple(row.model_copy(update={"doc_hash": row.doc_hash + "x"}) for row in moved.rows))
    with pytest.raises(ValueError, match="mind: expected answers to the same documents"):
        students_table([exam(), moved])
    other = moved._replace(record=exam("uniform").record)
    with pytest.raises(ValueError, match="expected answers to the same documents"):
        comparisons_table([exam(), other])


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "other"},
        {"base_sha256": "ee" * 32},
        {"max_new_tokens": 65},
        {"dtype": "bfloat16"},
        {"chat_template": False},
        {"scores": {"sums": [1, 0, 1, 0]}},
        {"corpus_sha256": "ee" * 32},
        {"training": {"gradient_tokens": 6000, "learning_rate": 1e-4}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_is_not_alike_is_neither_pooled_nor_compared(changes: Any) -> None:
    exams = [exam(seed=0), exam(seed=1, **changes), exam("uniform", **changes)]
    table = students_table(exams)
    assert set(table["seeds"]) == {1}
    assert len(cohorts(exams)) == 2
    pairs = comparisons_table(exams)
    assert set(zip(pairs["a"], pairs["b"], strict=True)) == {("uniform", "mind")}


def test_other_settings_of_a_method_are_another_student_and_told_apart() -> None:
    exams = [exam(), exam(options={"beta": 0.5})]
    table = students_table(exams)
    names = set(table["label"])
    assert set(table["student"]) == {"mind"}
    assert table["student_setting"].nunique() == table["method_options"].nunique() == len(names) == 2
    assert all(name.startswith("mind (") for name in names)
    pairs = comparisons_table(exams)
    assert len(pairs) == 2
    assert set(pairs["a"]) == set(pairs["b"]) == {"mind"}
    assert {*pairs["setting_a"], *pairs["setting_b"]} == set(table["student_setting"])


def test_the_batch_size_does_not_keep_students_apart() -> None:
    assert len(cohorts([exam("untouched", batch_size=64), exam()])) == 1


def test_an_untouched_model_is_listed_once_and_compared_in_every_cohort() -> None:
    exams = [exam("untouched"), exam(), exam("uniform", corpus_sha256="ee" * 32)]
    assert (students_table(exams)["student"] == "untouched").sum() == 4
    pairs = comparisons_table(exams)
    assert set(zip(pairs["a"], pairs["b"], strict=True)) == {("mind", "untouched"), ("uniform", "untouched")}


def test_the_order_of_exams_does_not_matter() -> None:
    exams = [*three_students(), exam("edit", corpus_sha256="ee" * 32), exam(model="other")]
    assert csv_text(students_table(exams)) == csv_text(students_table(exams[::-1]))
    assert csv_text(comparisons_table(exams)) == csv_text(comparisons_table(exams[::-1]))


# --- comparisons_table ---


def test_a_pair_is_compared_item_by_item() -> None:
    scores = {"sums": [1.0] * 6 + [0.0] * 4}
    pairs = comparisons_table([exam("a", scores=scores), exam("b", scores={"sums": [0.0] * 10})])
    line = one(pairs, group="id")
    assert (line["a"], line["b"], line["n_items"]) == ("b", "a", 10)
    assert line["difference"] == pytest.approx(-0.6)
    assert line["p_items"] == 2 / 2**6
    assert (line["p_students"], line["family"], line["students"]) == (2 / 2**6, 1, "worse")
    assert (line["seeds_a"], line["methods"]) == (1, "open")
    assert math.isnan(line["p_seeds"])
    assert math.isnan(line["p_methods"])
    assert line["detectable"] == line["detectable_items"]


def test_a_tie_is_called_a_tie() -> None:
    few = {"sums": [1.0] * 5 + [0.0] * 5}  # all five differ: p = 2 / 32
    line = one(comparisons_table([exam("a", scores=few), exam("b", scores={"sums": [0.0] * 10})]))
    assert (line["p_students"], line["students"]) == (2 / 32, "tie")
    same = one(comparisons_table([exam("a", scores=few), exam("b", scores=few)]))
    assert (same["difference"], same["p_items"], same["students"]) == (0.0, 1.0, "tie")
    assert all(math.isnan(same[name]) for name in ("difference_low", "difference_high", "detectable"))


def test_the_correction_is_over_all_pairs_and_groups_of_a_cohort() -> None:
    pairs = comparisons_table(three_students())
    assert set(pairs["family"]) == {6}
    assert list(pairs["p_students"]) == holm(pairs["p_items"].tolist())
    assert list(pairs["p_methods"]) == holm(pairs[["p_items", "p_seeds"]].max(axis=1).tolist())
    assert (pairs["p_methods"] >= pairs["p_students"]).all()
    assert (pairs["p_students"] > pairs["p_items"]).any()


def test_better_worse_and_tie_against_the_untouched_model_and_an_equal() -> None:
    pairs = comparisons_table(three_students())
    verdicts = {(row["a"], row["b"], row["group"]): row["methods"] for row in pairs.to_dict("records")}
    assert verdicts == {
        ("mind", "untouched", "id"): "better",
        ("uniform", "untouched", "id"): "better",
        ("uniform", "mind", "id"): "tie",
        ("mind", "untouched", "ood"): "worse",
        ("uniform", "untouched", "ood"): "worse",
        ("uniform", "mind", "ood"): "tie",
    }
    assert list(pairs["students"]) == list(pairs["methods"])


def test_one_lucky_seed_makes_no_better_method() -> None:
    """These very students differ on 24 items, but one seed of the first is as bad as the second's."""
    bad, good = {"sums": [0.0] * 24}, {"sums": [1.0] * 24}
    exams = [exam("a", 0, scores=good), exam("a", 1, scores=bad), exam("b", 0, scores=bad), exam("b", 1, scores=bad)]
    line = one(comparisons_table(exams))
    assert line["difference"] == -0.5
    assert line["p_items"] < 0.001
    assert line["p_seeds"] > 0.3
    assert (line["students"], line["methods"]) == ("worse", "tie")
    assert line["detectable"] > 1
    assert (line["difference_low"], line["difference_high"]) == (-1.0, 1.0), "no difference of shares is larger"


def test_while_a_student_has_one_seed_its_method_is_an_open_question() -> None:
    exams = three_students()[:-1]
    pairs = comparisons_table(exams)
    still_open = {(row["a"], row["b"]): row["methods"] == "open" for row in pairs.to_dict("records")}
    assert still_open == {("mind", "untouched"): False, ("uniform", "untouched"): True, ("uniform", "mind"): True}
    assert (pairs["students"] != "open").all()
    known = pairs[pairs["methods"] != "open"]
    assert list(known["p_methods"]) == holm(known[["p_items", "p_seeds"]].max(axis=1).tolist()), (
        "the others are no tests"
    )
    assert "| open" in to_markdown(exams, students_table(exams), pairs)


# --- files ---


def test_the_tables_grow_with_the_run(tmp_path: Path) -> None:
    exams = three_students()
    write_students(tmp_path)
    assert NOTHING in (tmp_path / "STUDENTS.md").read_text()
    assert (tmp_path / "students.csv").read_text() == ",".join(fields(COLUMNS)) + "\n"
    assert (tmp_path / "student_comparisons.csv").read_text() == ",".join(fields(COMPARISON_COLUMNS)) + "\n"
    for an_exam in exams:
        table = write_students(filled(tmp_path, [an_exam]), tmp_path / "out")
        text = (tmp_path / "out" / "STUDENTS.md").read_text()
        assert "nan" not in text
        assert "± 0.0" not in text
        assert "[0.0, 0.0]" not in text
        assert to_csv(Table(columns=COLUMNS, rows=table)) == (tmp_path / "out" / "students.csv").read_text()


def test_the_csv_keeps_every_digit(tmp_path: Path) -> None:
    table = write_students(filled(tmp_path, three_students()))
    back = from_csv(tmp_path / "students.csv", COLUMNS)
    assert list(back.columns) == fields(COLUMNS)
    pd.testing.assert_frame_equal(back, table[fields(COLUMNS)], check_dtype=False, check_exact=True)


def test_a_damaged_exam_writes_nothing(tmp_path: Path) -> None:
    filled(tmp_path, [exam()])
    next((tmp_path / "rows").glob("*.jsonl")).write_text("")
    with pytest.raises(ValueError, match="expected SHA-256"):
        write_students(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_markdown_defines_shows_compares_and_names_the_machine() -> None:
    exams = three_students()
    text = to_markdown(exams, students_table(exams), comparisons_table(exams))
    assert text.index("**Gradient tokens**") < text.index("### In and out of distribution")
    assert text.index("### In and out of distribution") < text.index("### Comparisons") < text.index("### By suite")
    assert "## toy, corpus cdcdcdcdcdcd, 5,000 gradient tokens" in text
    tables = text.split("\n\n|")[1:]
    assert len(tables) == 4, "both groups, comparisons, two suites"
    assert all("Examined on: Toy \\| CPU, kernels unknown" in below for below in tables)
    assert "Trained on" not in text, "records of before it was kept"
    (line,) = (line for line in text.splitlines() if line.startswith("| mind") and "5.0k" in line)
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[:2] == ["mind", "2"]
    assert cells[2].startswith("85.4 [")
    assert cells[3] == "50 %"
    assert cells[5].startswith("+77.1 [+")
    assert "| tie " in text
    assert "| better " in text
    assert "| < 0.001 " in text
    assert "| 0.000 " not in text
    assert "expected" not in text, "nothing is known of a plan"


def test_a_cohort_has_its_section_with_the_untouched_model_in_each() -> None:
    exams = [exam("untouched"), exam(), exam("uniform", corpus_sha256="ee" * 32)]
    text = to_markdown(exams, students_table(exams), comparisons_table(exams))
    parts = text.split("\n## ")[1:]
    assert [part.splitlines()[0] for part in parts] == [
        "toy, corpus cdcdcdcdcdcd, 5,000 gradient tokens",
        "toy, corpus eeeeeeeeeeee, 5,000 gradient tokens",
    ]
    assert all(part.count("| untouched") == 5 for part in parts), "pooled, two suites, against it on both groups"
    assert "uniform" not in parts[0]
    assert "| mind" not in parts[1]


def test_a_dev_subset_is_called_one_everywhere(tmp_path: Path) -> None:
    exams = [exam(origin="sums: dev subset, 4 of 1,319 questions, OFFBOOK_DATA/sums")]
    text = to_markdown(exams, students_table(exams), comparisons_table(exams))
    assert "Scored on a dev subset: dates, sums." in text
    assert "**sums** (ID): sums: dev subset, 4 of 1,319 questions" in text
    assert "dev subset" in one(students_table(exams), group="id", suite="all")["origin"]
    whole = [exam(origin="sums: someone/sums at abc")]
    assert "dev subset" not in to_markdown(whole, students_table(whole), comparisons_table(whole))


def test_hostile_names_stay_text() -> None:
    name = "=HYPERLINK(1)|x`<script>\n# [a](javascript:b) ![c](d) <!-- /students -->"
    exams = [exam("untouched"), exam(name, model="[m](x)|", scores={"sums": [1, 0]}), exam(name)]
    table, pairs = students_table(exams), comparisons_table(exams)
    lost = FailureRow(title=name, error=name, reason=name, attempts=1)
    undone = MissingExam(model="toy", student=name + "x", training_seed=3)
    progress = Progress(kinds={"exam": Count(expected=4, done=2, failed=1)}, failures=(lost,), exams=(undone,))
    text = to_markdown(exams, table, pairs, progress=progress)
    assert "<script>" not in text
    assert "\n# [" not in text
    assert "](" not in text.replace("\\](", "")
    for block in text.split("\n\n"):
        lines = [line.replace("\\|", "") for line in block.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in lines}) <= 1, "a pipe in a name must not make a column"
    assert "'=HYPERLINK" in csv_text(table)
    assert len(pd.read_csv(io.StringIO(csv_text(pairs)))) == len(pairs)


def test_a_table_says_on_which_machine_its_students_were_trained() -> None:
    (record, rows) = exam()
    cost = record.cost.model_copy(update={"machine": {"cpu": "Elsewhere"}}) if record.cost else None
    exams = [Exam(record.model_copy(update={"cost": cost}), rows)]
    text = to_markdown(exams, students_table(exams), comparisons_table(exams))
    assert "Trained on: Elsewhere, kernels unknown" in text
    assert "Examined on: Toy" in text
