"""Lines of several machines in one table."""

import pandas as pd
import pytest

from offbook.harness.trials.tables_of_machines import table_before, write_beside_others


def line(model="a", cpu="old", **more):
    return {"model": model, "cpu": cpu, "cpu_capability": "AVX2", "threads": "2", **more}


def test_a_machines_lines_of_a_model_are_replaced_and_all_others_stay(tmp_path):
    path = tmp_path / "speeds.csv"
    write_beside_others(path, table_before(path), [line(ms="1.50"), line(ms="1.60")])
    write_beside_others(path, table_before(path), [line(cpu="new", ms="0.90")])
    write_beside_others(path, table_before(path), [line(model="b", ms="4.00")])
    write_beside_others(path, table_before(path), [line(ms="1.40", measured="today")])
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert table[["model", "cpu", "ms", "measured"]].to_numpy().tolist() == [
        ["a", "new", "0.90", ""],
        ["b", "old", "4.00", ""],
        ["a", "old", "1.40", "today"],
    ]


def test_a_file_that_is_another_table_is_refused_before_anything_is_measured(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("model,score\na,1\n")
    with pytest.raises(ValueError, match=r"other\.csv: expected a table with the column 'cpu', got model, score; name"):
        table_before(path)
    assert path.read_text() == "model,score\na,1\n"
