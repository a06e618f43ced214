"""Fresh tables against committed ones: the leaderboard, whole folders, and what people are told."""

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from offbook.engine.files import atomic_write_text
from offbook.harness.tables.csv_file import csv_text as to_csv
from offbook.harness.tables.csv_file import from_csv
from offbook.harness.tables.decoders import leaderboard
from offbook.harness.tables.judging import DIFFERS, IDENTICAL, NOT_COMPARABLE, REPRODUCED
from offbook.harness.tables.reproduction import (
    DECODERS,
    STUDENTS,
    NamedComparison,
    compare_folders,
    compare_tables,
    verdict_lines,
)
from offbook.harness.tables.students import students_table
from tests.harness.tables.exams import exam


def compare(fresh: pd.DataFrame, committed: pd.DataFrame) -> NamedComparison:
    return compare_tables(DECODERS, fresh, committed)


def read_leaderboard(path: Path) -> pd.DataFrame:
    return from_csv(path, DECODERS.columns)


@pytest.fixture
def table(make_heat: Any) -> pd.DataFrame:
    return leaderboard(make_heat())


def changed(table: pd.DataFrame, **changes: Any) -> pd.DataFrame:
    """The table with changes on the row of eagle2 on its suite."""
    table = table.copy()
    at = (table["decoder"] == "eagle2") & (table["suite"] != "all")
    for name, value in changes.items():
        table.loc[at, name] = value
    return table


def verdict(fresh: pd.DataFrame, committed: pd.DataFrame) -> tuple[str, str]:
    lines = compare(fresh, committed).table
    line = lines[(lines["decoder"] == "eagle2") & (lines["suite"] != "all")].iloc[0]
    return line["verdict"], line["reason"]


def test_a_leaderboard_reproduces_itself_through_its_csv(table: pd.DataFrame, tmp_path: Path) -> None:
    atomic_write_text(tmp_path / "leaderboard.csv", to_csv(table))
    result = compare(table, read_leaderboard(tmp_path / "leaderboard.csv"))
    assert result.counts == {IDENTICAL: 4, REPRODUCED: 0, DIFFERS: 0, NOT_COMPARABLE: 0}
    assert result.holds


def test_speeds_are_shown_side_by_side_and_not_judged(table: pd.DataFrame) -> None:
    result = compare(changed(table, tokens_per_s=1.0, speedup=99.0, speedup_low=98.0, speedup_high=100.0), table)
    assert result.counts[IDENTICAL] == 4
    line = result.table[result.table["speedup_fresh"] == 99.0].iloc[0]
    assert line["speedup_committed"] == pytest.approx(1.25 / 0.75)
    assert (line["tokens_per_s_fresh"], line["tokens_per_s_committed"]) == (1.0, pytest.approx(11 / 1.5))


def test_overlapping_intervals_reproduce_and_say_so(table: pd.DataFrame) -> None:
    result = verdict(changed(table, acceptance_length=2.3), table)
    assert result[0] == REPRODUCED
    assert "acceptance length: intervals overlap" in result[1]


def test_intervals_apart_differ(table: pd.DataFrame) -> None:
    moved = changed(table, acceptance_length=9.0, acceptance_length_low=8.5, acceptance_length_high=9.5)
    assert verdict(moved, table)[0] == DIFFERS
    assert not compare(moved, table).holds


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [("bf16", "no", NOT_COMPARABLE), ("", "no", NOT_COMPARABLE), ("no", "no", DIFFERS), ("", "", DIFFERS)],
)
def test_a_student_trained_in_another_precision_never_differs_for_that(
    was: str, now: str, expected: str, make_heat: Any, tmp_path: Path
) -> None:
    table = leaderboard(make_heat(student={"name": "mind", "method": "mind"}))
    committed, apart = changed(table, trained_in=was), {"acceptance_length": 9.0, "acceptance_length_high": 9.5}
    fresh = changed(table, trained_in=now, acceptance_length_low=8.5, **apart)
    atomic_write_text(tmp_path / "leaderboard.csv", to_csv(committed))
    found = verdict(fresh, read_leaderboard(tmp_path / "leaderboard.csv"))
    assert found[0] == expected
    assert ("trained in mixed precision" in found[1]) == (expected == NOT_COMPARABLE)
    assert verdict(changed(fresh, losslessness="DIFFERS 2/2"), committed)[0] == DIFFERS, "that is the decoder's"


def test_a_value_without_interval_is_held_to_the_value_itself(table: pd.DataFrame) -> None:
    bare = changed(table, acceptance_length=9.0, acceptance_length_low=math.nan, acceptance_length_high=math.nan)
    assert verdict(bare, table)[0] == DIFFERS
    inside = changed(table, acceptance_length=2.3, acceptance_length_low=math.nan, acceptance_length_high=math.nan)
    assert verdict(inside, table)[0] == REPRODUCED


def test_accuracy_is_judged_at_temperature_zero_only(table: pd.DataFrame) -> None:
    worse = {"accuracy": 0.0, "accuracy_low": 0.0, "accuracy_high": 0.01}
    assert verdict(changed(table, **worse), table)[0] == DIFFERS
    assert verdict(changed(table, **worse, temperature=1.0), changed(table, temperature=1.0))[0] == IDENTICAL


def test_scores_that_are_no_accuracy_are_judged_too(table: pd.DataFrame) -> None:
    worse = {"score": 0.0, "score_low": 0.0, "score_high": 0.01}
    assert verdict(changed(table, **worse), table)[0] == DIFFERS


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        ("identical 2/2", "identical 1/2, 1 tie", REPRODUCED),
        ("identical 2/2", "DIFFERS 1/2", DIFFERS),
        ("DIFFERS 1/2", "DIFFERS 2/2", DIFFERS),
        ("DIFFERS 1/2", "identical 2/2", DIFFERS),
        ("identical 2/2", "not tested", DIFFERS),
        ("TV 0.004 <= 0.021 (p=0.43)", "TV 0.005 <= 0.022 (p=0.2)", REPRODUCED),
    ],
)
def test_losslessness_must_hold_by_the_same_test(was: str, now: str, expected: str, table: pd.DataFrame) -> None:
    assert verdict(changed(table, losslessness=now), changed(table, losslessness=was))[0] == expected


def test_another_specification_is_not_comparable_and_named(table: pd.DataFrame) -> None:
    result = verdict(changed(table, setting="f" * 64), table)
    assert result[0] == NOT_COMPARABLE
    assert "settings, suites, seeds, corpus or documents are others (setting " in result[1]


def test_rows_on_one_side_only_are_named(table: pd.DataFrame) -> None:
    part = table[table["decoder"] == "autoregressive"]
    missing = compare(part, table)
    assert missing.counts == {IDENTICAL: 2, REPRODUCED: 0, DIFFERS: 0, NOT_COMPARABLE: 2}
    reasons = set(missing.table["reason"])
    assert reasons == {"accuracy, score, acceptance length, losslessness equal", "missing in the fresh run"}
    added = compare(table, part)
    assert "missing in the committed results" in set(added.table["reason"])


def test_a_comparison_of_nothing_does_not_hold(table: pd.DataFrame) -> None:
    assert not compare(table.iloc[:0], table).holds
    assert not compare(table.iloc[:0], table.iloc[:0]).holds


def test_a_pooled_row_over_other_suites_is_not_comparable(make_heat: Any) -> None:
    whole = leaderboard(make_heat("a", "heat-a") + make_heat("b", "heat-b"))
    part = leaderboard(make_heat("a", "heat-a"))
    lines = compare(part, whole).table
    assert all(
        "suites, seeds, corpus or documents are others" in reason for reason in lines[lines["suite"] == "all"]["reason"]
    )


@pytest.mark.parametrize("which", [DECODERS, STUDENTS], ids=["decoders", "students"])
@pytest.mark.parametrize("content", [None, "", "\xff\xfe\x00"])
def test_a_file_that_is_no_table_is_one_line(content: str | None, which: Any, tmp_path: Path) -> None:
    path = tmp_path / which.file
    if content is not None:
        path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ValueError, match=rf"{which.file}: expected a {which.file}, got ") as error:
        from_csv(path, which.columns)
    assert "\n" not in str(error.value)


def test_a_foreign_table_is_refused(table: pd.DataFrame, tmp_path: Path) -> None:
    atomic_write_text(tmp_path / "leaderboard.csv", to_csv(table.drop(columns="setting")))
    with pytest.raises(ValueError, match=r"leaderboard\.csv: expected column 'setting', got none"):
        compare_folders(tmp_path, tmp_path)


def test_a_drafter_trained_anew_is_held_against_the_committed_row(table: pd.DataFrame) -> None:
    assert verdict(changed(table, key="f" * 64), table)[0] == IDENTICAL


def test_every_table_that_both_folders_have_is_compared_and_the_verdicts_stand_beside(
    table: pd.DataFrame, tmp_path: Path
) -> None:
    fresh, committed = tmp_path / "fresh", tmp_path / "committed"
    atomic_write_text(committed / "leaderboard.csv", to_csv(table))
    atomic_write_text(committed / "students.csv", to_csv(students_table([exam()])))
    assert compare_folders(fresh, committed) == []
    atomic_write_text(fresh / "leaderboard.csv", to_csv(table))
    (only,) = compare_folders(fresh, committed)
    assert (only.name, only.differs, only.counts[IDENTICAL]) == ("decoders", False, 4)
    atomic_write_text(fresh / "students.csv", to_csv(students_table([exam(scores={"sums": [1.0] * 30})])))
    assert [comparison.name for comparison in compare_folders(fresh, committed)] == ["decoders", "students"]
    assert sorted(path.name for path in fresh.glob("*_comparison.csv")) == [
        "leaderboard_comparison.csv",
        "students_comparison.csv",
    ]
    assert not list(committed.glob("*_comparison.csv"))


def test_people_are_told_how_many_rows_got_each_verdict_and_what_differs_why(
    table: pd.DataFrame, make_heat: Any, tmp_path: Path
) -> None:
    lossy = compare(changed(table, losslessness="DIFFERS 1/2"), table)
    assert lossy.differs
    first, second = verdict_lines([lossy])
    assert first == (
        "decoders, against the committed results: 3 rows identical, 0 reproduced within their intervals, 1 differ, "
        "0 not comparable"
    )
    assert second.startswith(
        "  differs: untouched, eagle2 on offbook_maths at temperature 0: losslessness: 'identical 2/2' became"
    )
    right, wrong = ([exam(scores={"sums": [score] * 30})] for score in (1.0, 0.0))
    lines = verdict_lines([compare_tables(STUDENTS, students_table(wrong), students_table(right))])
    assert lines[1].startswith("  differs: mind on all (id): score: intervals apart, 1 [")
