"""Only what is complete is ranked, and only where somebody knows what is."""

from typing import Any

import pandas as pd
import pytest

from offbook.harness.tables.decoders import leaderboard
from offbook.harness.tables.decoders_markdown import to_markdown
from offbook.harness.tables.drafters_on_students import CROSS_COLUMNS, cross_markdown
from offbook.harness.tables.progress import Count, MissingCell, MissingExam, Progress
from offbook.harness.tables.ranks import fastest_first, lacking, ranked
from offbook.harness.tables.readme_students import readme_students
from offbook.harness.tables.student_comparisons import comparisons_table
from offbook.harness.tables.students import students_table
from offbook.harness.tables.students_markdown import to_markdown as students_markdown
from tests.harness.tables.exams import three_students

ALL = {"heat": Count(expected=2, done=2, failed=0)}
EAGLE = {"model": "toy", "student": "untouched", "training_seed": 0, "decoder": "eagle2", "made_for": "target"}


def missing(**changes: Any) -> Progress:
    at = {"suite": "qa", "temperature": 0.0, "seed": 0}
    return Progress(kinds=ALL, cells=(MissingCell(**(EAGLE | at | changes)),))


def ranks(table: pd.DataFrame, progress: Progress) -> dict[str, float]:
    pooled = ranked(table, progress).query("suite == 'all'")
    return dict(zip(pooled["decoder"], pooled["rank"], strict=True))


@pytest.fixture
def table(make_heat: Any) -> pd.DataFrame:
    """eagle2 is faster than the baseline, its interval wholly above 1."""
    found = leaderboard(make_heat())
    fast = found["decoder"] == "eagle2"
    return found.assign(
        speedup_fastest_low=found["speedup_fastest_low"].mask(fast, 1.5),
        speedup_fastest_high=found["speedup_fastest_high"].mask(fast, 1.8),
    )


def test_a_rank_is_one_more_than_how_many_are_surely_faster(table: pd.DataFrame) -> None:
    assert ranks(table, Progress(kinds=ALL)) == {"autoregressive": 2, "eagle2": 1}
    close = table.assign(speedup_fastest_low=table["speedup_fastest_low"].replace(1.5, 0.9))
    assert ranks(close, Progress(kinds=ALL)) == {"autoregressive": 1, "eagle2": 1}


@pytest.mark.parametrize("certificate", ["DIFFERS 1/2", "not tested", "DIFFERS in 1 of 2 cells"])
def test_speed_that_changes_the_output_is_not_ranked(certificate: str, table: pd.DataFrame) -> None:
    lossy = table.assign(losslessness=table["losslessness"].where(table["decoder"] != "eagle2", certificate))
    assert pd.isna(ranks(lossy, Progress(kinds=ALL))["eagle2"])
    assert ranks(lossy, Progress(kinds=ALL))["autoregressive"] == 1


@pytest.mark.parametrize("lost", [{"suite": "qa"}, {"seed": 7}, {"training_seed": 1}], ids=["suite", "seed", "student"])
def test_a_method_without_a_suite_or_a_seed_is_shown_and_marked_but_not_ranked(
    lost: dict[str, Any], table: pd.DataFrame
) -> None:
    found = ranked(table, missing(**lost))
    assert pd.isna(ranks(table, missing(**lost))["eagle2"])
    text = to_markdown(found, progress=missing(**lost))
    pooled = text.partition("### All suites, pooled")[2].partition("###")[0]
    (line,) = [line for line in pooled.splitlines() if line.startswith("| - ") and "eagle2" in line]
    assert "| 1 cell " in line


@pytest.mark.parametrize("other", [{"decoder": "jakiro"}, {"temperature": 1.0}, {"model": "x"}, {"student": "mind"}])
def test_what_others_lack_is_not_held_against_a_method(other: dict[str, Any], table: pd.DataFrame) -> None:
    assert ranks(table, missing(**other))["eagle2"] == 1
    assert "| Missing " not in to_markdown(ranked(table, missing(**other)))


def test_contenders_on_other_documents_are_not_ranked_against_each_other(table: pd.DataFrame) -> None:
    other = table["decoder"] == "autoregressive"
    apart = table.assign(n_docs=table["n_docs"].mask(other, 1))
    assert ranks(apart, Progress(kinds=ALL)) == {"autoregressive": 1, "eagle2": 1}


def test_where_nobody_knows_the_plan_nobody_is_ranked(table: pd.DataFrame) -> None:
    assert list(ranked(table, None).columns) == list(table.columns)
    assert "Rank" not in to_markdown(table)
    assert "| Rank " in " ".join(to_markdown(ranked(table, Progress(kinds=ALL)), progress=Progress(kinds=ALL)).split())


def test_the_drafters_page_marks_what_lacks_either_drafter() -> None:
    row = {"model": "toy", "student": "mind", "training_seed": 0, "decoder": "eagle2", "temperature": 0.0, "seed": 0}
    row |= {"suite": "all", "n_docs": 2, "n_clusters": 2, "decoder_options": ""}
    cross = pd.DataFrame([{field: 0.0 for column in CROSS_COLUMNS for field in column.fields} | row])
    found = lacking(cross, missing(student="mind", made_for="base"))
    assert "| 1 cell " in "\n".join(cross_markdown(found))
    assert "1 cell" not in "\n".join(cross_markdown(lacking(cross, missing(student="mind", decoder="jakiro"))))


def test_a_student_without_a_seed_is_shown_and_its_method_is_not_judged() -> None:
    exams = three_students()
    lost = Progress(kinds=ALL, exams=(MissingExam(model="toy", student="mind", training_seed=2),))
    whole, pairs = comparisons_table(exams), comparisons_table(exams, lost)
    verdicts = {(row["a"], row["b"]): row["methods"] for row in pairs.to_dict("records") if row["group"] == "id"}
    assert verdicts == {("mind", "untouched"): "open", ("uniform", "mind"): "open", ("uniform", "untouched"): "better"}
    assert list(pairs["students"]) == list(whole["students"]), "these very students are there"
    text = students_markdown(exams, students_table(exams, lost), pairs, progress=lost)
    for shown in (text, readme_students(exams, lost)):
        assert "| mind      | 2 of 3 " in shown
        assert "| uniform   | 2 " in shown
    assert "its method is not judged" in text


def test_pages_have_the_fastest_first_among_those_on_the_same_documents(make_heat: Any) -> None:
    table = leaderboard(make_heat() + make_heat(heat_id="heat-2", seed=1)).query("suite == 'all'")
    assert [*zip(table["seed"], table["decoder"], strict=True)] == [
        (0, "autoregressive"), (1, "autoregressive"), (0, "eagle2"), (1, "eagle2"),
    ]  # fmt: skip
    found = fastest_first(table.assign(speedup_fastest=[1.0, 1.0, 1.7, float("nan")]))
    assert [*zip(found["seed"], found["decoder"], strict=True)] == [
        (0, "eagle2"), (0, "autoregressive"), (1, "autoregressive"), (1, "eagle2"),
    ]  # fmt: skip
    assert fastest_first(table[:0]).empty


def test_the_table_itself_keeps_its_order(make_heat: Any) -> None:
    table = leaderboard(make_heat())
    assert list(table["decoder"][:2]) == ["autoregressive", "eagle2"]
    page = to_markdown(table).partition("### All suites, pooled")[2]
    assert page.index("| eagle2") < page.index("| autoregressive")
