"""What contenders took is read from the tables of the results, and a damaged table tells nothing."""

from pathlib import Path

from offbook.harness.matrix.committed_costs import as_json, drafter_costs, student_costs
from offbook.harness.records.spent import Spent, note

LEADERBOARD = """decoder,drafter_parameters,drafter_training_flops
autoregressive,,
eagle2,1200000,2e15
eagle2,2400000,
jakiro,many,
"""
STUDENTS = """method,suite,train_s,gradient_tokens
untouched,all,,
mind,all,120,30000
mind,sums,120,30000
mind,all,240,30000
"""


def test_a_drafter_is_told_with_the_ends_of_what_its_rows_say(tmp_path: Path) -> None:
    (tmp_path / "leaderboard.csv").write_text(LEADERBOARD)
    found = drafter_costs(tmp_path)
    assert set(found) == {"eagle2"}
    assert found["eagle2"].told() == "1.2M to 2.4M parameters, trained in 2.0e15 FLOPs (by 2 rows of the results)"
    assert as_json(found["eagle2"]) == {
        "parameters": [1_200_000, 2_400_000],
        "training_flops": [2e15, 2e15],
        "train_s": [0.0, 0.0],
        "rows": 2,
    }


def test_a_drafter_is_told_with_how_long_its_trainings_took_where_a_run_noted_it(tmp_path: Path) -> None:
    (tmp_path / "leaderboard.csv").write_text(LEADERBOARD)
    for kind, name, seconds in (
        ("drafter", "eagle2 for 0123456789ab", 120.0),
        ("drafter", "eagle2 for ba9876543210", 300.0),
        ("drafter", "jakiro for 0123456789ab", 60.0),
        ("answers", "eagle2 for 0123456789ab", 9000.0),
    ):
        note(tmp_path, Spent(key="k", kind=kind, name=name, wall_s=seconds))
    told = "1.2M to 2.4M parameters, trained in 2.0e15 FLOPs, 2 to 5 min of training (by 2 rows of the results)"
    assert drafter_costs(tmp_path)["eagle2"].told() == told


def test_a_training_counts_once_however_many_rows_it_has(tmp_path: Path) -> None:
    (tmp_path / "students.csv").write_text(STUDENTS)
    found = student_costs(tmp_path)
    assert set(found) == {"mind"}
    assert found["mind"].told() == "2 to 4 min of training on 30.0k gradient tokens (by 2 rows of the results)"


def test_no_table_and_a_damaged_one_tell_nothing(tmp_path: Path) -> None:
    assert drafter_costs(tmp_path) == student_costs(tmp_path) == {}
    (tmp_path / "leaderboard.csv").write_bytes(b"\x00\xff,\n\x00")
    assert drafter_costs(tmp_path) == {}
