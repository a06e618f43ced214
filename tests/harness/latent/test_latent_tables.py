"""The latent analysis on paper: its CSV and its summary read one description of columns."""

from pathlib import Path

import pandas as pd

from offbook.harness.latent.columns import preference_columns, preference_digest
from offbook.harness.latent.tables import described, summary
from offbook.harness.tables.csv_file import to_csv

COMMITTED = Path(__file__).parents[3] / "results" / "latent"
NAMES = ("separability", "consistency", "similarity", "divergence", "preference")


def committed() -> dict[str, pd.DataFrame]:
    return {name: pd.read_csv(COMMITTED / f"{name}.csv") for name in NAMES}


def test_the_committed_summary_is_what_the_committed_tables_say() -> None:
    text = (COMMITTED / "latent.md").read_text()
    assert summary(text.split("\n\n")[1], **committed()) == text


def test_the_committed_tables_have_the_columns_of_their_description() -> None:
    for name, table in described(**committed()).items():
        assert to_csv(table) == (COMMITTED / f"{name}.csv").read_text()


def test_tables_without_rows_are_neither_written_nor_shown() -> None:
    tables = {name: pd.DataFrame() for name in NAMES} | {"separability": committed()["separability"]}
    assert list(described(**tables)) == ["separability"]
    assert summary("alone", **tables).count("\n## ") == 1


def test_perspectives_are_those_of_the_log_and_steps_are_no_measure() -> None:
    log = ["student", "alpha/a", "alpha/b", "kept", "gradient_tokens", "steps"]
    assert [column.name for column in preference_columns(log)] == log
    assert [column.heading for column in preference_digest(log)] == ["student", "steps", "a", "b", "kept"]
