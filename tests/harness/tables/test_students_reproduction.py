"""A fresh table of students against a committed one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from offbook.harness.records.exam import Exam
from offbook.harness.tables.csv_file import from_csv
from offbook.harness.tables.judging import DIFFERS, IDENTICAL, NOT_COMPARABLE, REPRODUCED
from offbook.harness.tables.reproduction import STUDENTS, NamedComparison, compare_tables
from offbook.harness.tables.student_comparisons import comparisons_table
from offbook.harness.tables.students import students_table
from offbook.harness.tables.students_markdown import to_markdown, write_students
from tests.harness.tables.exams import exam, filled, one, three_students


def compare_students(fresh: pd.DataFrame, committed: pd.DataFrame) -> NamedComparison:
    return compare_tables(STUDENTS, fresh, committed)


def verdict(fresh: Sequence[Exam], committed: Sequence[Exam]) -> tuple[str, str]:
    lines = compare_students(students_table(fresh), students_table(committed)).table
    line = one(lines[lines["student"] == "mind"], group="id", suite="all")
    return line["verdict"], line["reason"]


def test_students_reproduce_themselves_through_their_csv(tmp_path: Path) -> None:
    table = write_students(filled(tmp_path, three_students()))
    result = compare_students(table, from_csv(tmp_path / "students.csv", STUDENTS.columns))
    assert result.counts == {IDENTICAL: 12, REPRODUCED: 0, DIFFERS: 0, NOT_COMPARABLE: 0}
    assert result.holds


def test_a_training_elsewhere_reproduces_within_the_intervals() -> None:
    committed = [exam("untouched"), exam(scores={"sums": [1, 1, 0, 0], "dates": [1, 0, 0, 0]})]
    near = [exam("untouched"), exam(scores={"sums": [1, 1, 1, 0], "dates": [1, 0, 0, 0]}, weights_sha256="elsewhere")]
    found = verdict(near, committed)
    assert found[0] == REPRODUCED
    assert "accuracy: intervals overlap, 0.5 [" in found[1]


def test_students_far_apart_differ() -> None:
    committed, fresh = [exam(scores={"sums": [1.0] * 30})], [exam(scores={"sums": [0.0] * 30})]
    assert verdict(fresh, committed)[0] == DIFFERS
    assert not compare_students(students_table(fresh), students_table(committed)).holds


def test_a_change_that_is_lost_differs() -> None:
    found = verdict([exam()], [exam("untouched"), exam()])
    assert found == (DIFFERS, "change: there on one side only")


@pytest.mark.parametrize(
    "fresh",
    [
        [exam(seed=1)],
        [exam(), exam(seed=1)],
        [exam(corpus_sha256="ee" * 32)],
        [exam(training={"gradient_tokens": 9})],
        [exam(scores={"sums": [1, 0], "dates": [0]})],
    ],
    ids=["another seed", "more seeds", "corpus", "budget", "documents"],
)
def test_other_settings_are_not_comparable(fresh: list[Exam]) -> None:
    found = verdict(fresh, [exam()])
    assert found[0] == NOT_COMPARABLE
    assert "settings, suites, seeds, corpus or documents are others" in found[1]


def test_rows_on_one_side_only_are_named() -> None:
    both, part = students_table([exam(), exam("uniform")]), students_table([exam()])
    missing = compare_students(part, both)
    assert missing.counts == {IDENTICAL: 4, REPRODUCED: 0, DIFFERS: 0, NOT_COMPARABLE: 4}
    assert "missing in the fresh run" in set(missing.table["reason"])
    assert "missing in the committed results" in set(compare_students(both, part).table["reason"])
    assert not compare_students(part.iloc[:0], part).holds


def in_precision(asked: str, used: str | None, seed: int = 0, **changes: Any) -> Exam:
    training = {"gradient_tokens": 5000, "learning_rate": 1e-4, "mixed_precision": asked}
    return exam(seed=seed, training=training, used=used, **changes)


def test_a_student_of_another_precision_is_found_and_judged_by_intervals() -> None:
    asked = in_precision("bf16", None)  # as in records of before precision was written down
    for fresh in (in_precision("auto", "no"), in_precision("auto", "bf16"), in_precision("no", "no")):
        assert verdict([fresh], [asked]) == (IDENTICAL, "score, accuracy, change equal")
    near = in_precision("auto", "no", scores={"sums": [1, 1, 1, 0], "dates": [1, 0, 0, 0]})
    assert verdict([near], [asked])[0] == REPRODUCED


def test_one_seed_of_another_precision_never_differs() -> None:
    committed = [in_precision("bf16", None, scores={"sums": [1.0] * 30})]
    far: dict[str, Any] = {"scores": {"sums": [0.0] * 30}}
    found = verdict([in_precision("auto", "no", **far)], committed)
    assert found[0] == NOT_COMPARABLE
    assert "in mixed precision bf16 and no; over one seed, intervals say nothing about another training" in found[1]
    assert verdict([in_precision("auto", "bf16", **far)], committed)[0] == DIFFERS, "the same precision"


def test_several_seeds_of_another_precision_differ_where_their_intervals_lie_apart() -> None:
    right = [in_precision("auto", "bf16", seed, scores={"sums": [1.0] * 29 + [0.0]}) for seed in (0, 1, 2)]
    wrong = [in_precision("auto", "no", seed, scores={"sums": [1.0] + [0.0] * 29}) for seed in (0, 1, 2)]
    assert verdict(wrong, right)[0] == DIFFERS
    assert verdict(right, right)[0] == IDENTICAL


def test_students_of_two_precisions_in_one_folder_stay_two_and_are_held_against_their_own() -> None:
    both = [in_precision("bf16", "bf16"), in_precision("no", "no", scores={"sums": [0] * 4, "dates": [0] * 4})]
    table = students_table(both)
    assert sorted(table[table["suite"] == "sums"]["mixed_precision"]) == ["bf16", "no"]
    assert len(set(table["label"])) == 2
    result = compare_students(table, table)
    assert result.counts[IDENTICAL] == len(table) == 8
    assert "fp32" in to_markdown(both, table, comparisons_table(both))


def test_seconds_and_tokens_are_shown_and_not_judged() -> None:
    table = students_table([exam()])
    result = compare_students(table.assign(train_s=1.0, gradient_tokens=2.0), table)
    assert result.counts[IDENTICAL] == len(table)
    line = result.table.to_dict("records")[0]
    assert (line["train_s_fresh"], line["train_s_committed"]) == (1.0, 30.0)
    assert (line["gradient_tokens_fresh"], line["gradient_tokens_committed"]) == (2.0, 5000.0)
