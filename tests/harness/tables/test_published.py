"""What others published is labelled, stands apart, and enters no number or rank of what was measured."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from offbook.harness.records.store import Store
from offbook.harness.roster.decoders import DECODERS
from offbook.harness.tables.csv_file import from_csv
from offbook.harness.tables.decoders import leaderboard, write_leaderboard
from offbook.harness.tables.decoders_columns import COLUMNS
from offbook.harness.tables.published import (
    LARGEST,
    PUBLISHED,
    TITLE,
    published,
    published_beside,
    published_markdown,
)

OF_THE_ROSTER = {
    *("eagle", "eagle2", "eagle3", "jakiro", "jakiro_decoupled", "medusa"),
    *("prompt_lookup", "token_recycling", "speculative_sampling", "lookup_else_eagle2"),
}


def store(root: Path, cells: Any) -> Store:
    found = Store(root)
    found.commit([(cell.record, cell.rows) for cell in cells])
    return found


def test_every_number_has_a_source_that_says_what_it_means() -> None:
    table = published()
    assert len(table) > 300
    assert not table.duplicated([name for name in table if name not in ("tau", "speedup", "remark")]).any()
    assert (table["where"].str.len() > 10).all()
    assert (table["protocol"].str.len() > 5).all()
    assert table.loc[table["tau"].notna(), "tau_means"].str.contains("bonus token|jakiro-table-1").all()
    for source, rows in table.groupby("source"):
        assert rows["tau"].notna().any() == rows["tau_means"].ne("").all(), source
    assert table[["tau", "speedup"]].notna().any(axis=1).all()
    assert table["tau"].dropna().between(1, 8).all()
    assert table["speedup"].dropna().between(1, 6).all()
    assert set(table["temperature"]) == {0, 1}


def test_decoders_are_those_of_the_roster_or_none_here() -> None:
    named = set(published()["decoder"]) - {""}
    assert named == OF_THE_ROSTER
    assert named <= set(DECODERS)
    assert {"Lookahead", "HASS", "Jakiro both switches"} <= set(published()["method"])


@pytest.mark.parametrize(
    ("where", "tau", "speedup"),
    [
        (("jakiro-logs", "A40", "Vicuna-7B-v1.3", "Jakiro", "six sets", 0), 4.49, 2.844),
        (("jakiro-table-1", "MI250", "Vicuna-7B-v1.3", "EAGLE-2", "six sets", 1), 4.17, 2.27),
        (("spec-bench", "A100-80G", "Vicuna-13B-v1.3", "EAGLE-3", "Spec-Bench", 0), 5.71, 3.02),
        (("token-recycling-paper", "A100", "Vicuna-7B", "Token Recycling", "Spec-Bench", 0), 2.70, 2.03),
    ],
)
def test_some_numbers_by_hand(where: tuple[Any, ...], tau: float, speedup: float) -> None:
    names = ["source", "hardware", "model", "method", "dataset", "temperature"]
    (row,) = (row for row in published().to_dict("records") if tuple(row[name] for name in names) == where)
    assert (row["tau"], row["speedup"]) == (pytest.approx(tau, abs=0.005), pytest.approx(speedup, abs=0.005))


def test_a_page_shows_those_of_its_own_decoders_and_temperatures_on_the_smaller_targets() -> None:
    table = pd.DataFrame({"decoder": ["eagle2", "autoregressive"], "temperature": [0.0, 0.0]})
    shown = published_beside(table)
    assert set(shown["decoder"]) == {"eagle2"}
    assert set(shown["temperature"]) == {0}
    assert shown["billions"].max() <= LARGEST < published()["billions"].max()
    assert set(shown.query("source == 'spec-bench'")["dataset"]) == {"Spec-Bench"}
    assert set(shown.query("source == 'eagle2-figure'")["dataset"]) == {"MT-bench"}, "it has no wider one"
    assert set(published_beside(table.assign(temperature=1.0))["temperature"]) == {1}
    assert published_beside(table.assign(decoder="autoregressive")).empty


def test_the_section_says_whose_they_are_and_what_each_source_calls_tau() -> None:
    table = pd.DataFrame({"decoder": ["eagle2", "jakiro"], "temperature": [0.0, 0.0]})
    rows = published_beside(table)
    title, explained, pipes, sources = published_markdown(rows)
    assert title == TITLE == "## Published by others, not measured here"
    assert "none is ranked" in explained
    assert len(pipes.splitlines()) == 2 + len(rows)
    told = [line for line in sources.splitlines() if line.startswith("- ")]
    assert [line.split("**")[1] for line in told] == rows["source"].unique().tolist()
    assert "too high, by 2.5 to 7 %" in " ".join(sources.split())
    assert published_markdown(rows[:0]) == []


def test_the_leaderboard_itself_does_not_know_them(make_heat: Any, tmp_path: Path) -> None:
    table = write_leaderboard(store(tmp_path / "store", make_heat()), tmp_path)
    assert table.equals(leaderboard(make_heat()))
    page = (tmp_path / "LEADERBOARD.md").read_text()
    measured, _, theirs = page.partition(TITLE)
    assert "Vicuna" not in measured
    assert "| EAGLE-2 " in theirs
    assert "| jakiro " not in theirs
    assert list(from_csv(tmp_path / "leaderboard.csv", COLUMNS)["decoder"].unique()) == ["autoregressive", "eagle2"]
    assert from_csv(tmp_path / "published.csv", PUBLISHED).equals(published())


def test_where_nobody_published_anything_there_is_no_section(make_heat: Any, tmp_path: Path) -> None:
    write_leaderboard(store(tmp_path / "store", make_heat()[:1]), tmp_path)
    assert TITLE not in (tmp_path / "LEADERBOARD.md").read_text()
    assert not (tmp_path / "published.csv").exists()
