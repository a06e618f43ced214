"""A page says how much of its plan it shows."""

import pandas as pd

from offbook.harness.tables.decoders import leaderboard
from offbook.harness.tables.decoders_markdown import to_markdown
from offbook.harness.tables.progress import Count, FailureRow, MissingCell, MissingExam, Progress
from offbook.harness.tables.progress_markdown import LONGEST, how_far, missing_cells, progress_line, what_failed
from offbook.harness.tables.student_comparisons import comparisons_table
from offbook.harness.tables.students import students_table
from offbook.harness.tables.students_markdown import to_markdown as students_markdown
from tests.harness.tables.exams import exam

HEAT = {"decoder": "eagle2", "suite": "qa", "temperature": 0.0, "seed": 3}
MIND = {"model": "toy", "student": "mind", "training_seed": 1}
PROGRESS = Progress(
    kinds={"student": Count(expected=2, done=1, failed=1), "heat": Count(expected=5, done=2, failed=0)},
    failures=(FailureRow(title="student mind, seed 1", error="Killed", reason="signal 9 | <memory>", attempts=3),),
    cells=(MissingCell(**MIND, made_for="base", **HEAT),),
    exams=(MissingExam(**MIND),),
)


def test_what_was_expected_is_done_or_failed_or_pending() -> None:
    assert progress_line(PROGRESS) == "7 stages expected = 3 done + 1 failed + 3 pending."
    one = Progress(kinds={"heat": Count(expected=1, done=0, failed=0)})
    assert progress_line(one) == "1 stage expected = 0 done + 0 failed + 1 pending."
    _, table = how_far(PROGRESS)
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    assert cells[0] == ["Stages", "Expected", "Done", "Failed", "Pending"]
    assert cells[2:] == [["student", "2", "1", "1", "0"], ["heat", "5", "2", "0", "3"]]


def test_both_pages_tell_counts_failures_and_what_is_missing(make_heat) -> None:
    exams = [exam("untouched"), exam()]
    pages = {
        "decoders": to_markdown(leaderboard(make_heat()), progress=PROGRESS),
        "students": students_markdown(exams, students_table(exams), comparisons_table(exams), progress=PROGRESS),
    }
    for text in pages.values():
        assert text.index("7 stages expected = 3 done + 1 failed + 3 pending.") < text.index("\n## ")
        assert "student mind, seed 1" in text
        assert "signal 9 \\| &lt;memory&gt;" in text
        assert "Killed" in text[text.index("## Failures") :]
    assert "- missing: toy, mind, seed 1, eagle2 (base's drafter), qa, temperature 0, seed 3" in pages["decoders"]
    assert "- missing: toy, mind, seed 1\n" in pages["students"]


def test_where_nobody_knows_the_plan_nothing_is_said_of_it(make_heat) -> None:
    text = to_markdown(leaderboard(make_heat()))
    assert how_far(None) == what_failed(None) == []
    assert not any(word in text for word in ("expected", "Failures", "Missing"))


def test_a_complete_run_has_no_failures_and_nothing_missing() -> None:
    whole = Progress(kinds={"heat": Count(expected=2, done=2, failed=0)})
    text = to_markdown(pd.DataFrame({"temperature": [], "seed": [], "suite": []}), progress=whole)
    assert "2 stages expected = 2 done + 0 failed + 0 pending." in text
    assert not any(word in text for word in ("Failures", "Missing"))


def test_a_long_list_of_what_is_missing_ends_with_how_many_more() -> None:
    cells = [MissingCell(**MIND, made_for="", **(HEAT | {"seed": seed})) for seed in range(LONGEST + 7)]
    _, lines = missing_cells(cells)
    assert len(lines.splitlines()) == LONGEST + 1
    assert lines.endswith("- and 7 more")
