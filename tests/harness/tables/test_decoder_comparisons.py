"""Decoders of the same heats are compared pair by pair, document by document, and the page says what is separable."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from offbook.harness.records.cell import Cell
from offbook.harness.records.certificate import BASELINE, Certificate
from offbook.harness.records.store import Store
from offbook.harness.tables.csv_file import from_csv
from offbook.harness.tables.decoder_comparisons import decoder_comparisons
from offbook.harness.tables.decoder_comparisons_columns import COLUMNS
from offbook.harness.tables.decoder_comparisons_markdown import TITLE, comparisons_markdown
from offbook.harness.tables.decoders import leaderboard, write_leaderboard
from offbook.harness.tables.paired_decoders import LEAST

Rounds = tuple[tuple[int, int, int, int], ...]
LOSSLESS = {"kind": "greedy_identity", "verdict": "lossless"}


def plain(document: int) -> Rounds:
    return ((0, 0, 0, 1),) * (6 + 6 * (document % 3))


def right(document: int) -> Rounds:
    """Three tokens a round."""
    return ((4, 2, 2, 3),) * (2 + 2 * (document % 3))


def often_right(document: int) -> Rounds:
    """On every other document two."""
    return right(document) if document % 2 else ((4, 2, 1, 2),) * (3 + 3 * (document % 3))


ARMS: dict[str, tuple[Callable[[int], Rounds], float]] = {
    "autoregressive": (plain, 1.0),
    "eagle2": (right, 0.5),
    "jakiro": (often_right, 0.5),
    "medusa": (right, 0.7),
}


@pytest.fixture
def make(make_spec: Any, make_row: Any, make_record: Any) -> Callable[..., list[Cell]]:
    def heat(
        arms: dict[str, Any] = ARMS, *, documents: int = LEAST, heat_id: str = "heat-1", **spec: Any
    ) -> list[Cell]:
        found = []
        for place, (name, (rounds, seconds)) in enumerate(arms.items()):
            drafter = {} if name == "autoregressive" else {"drafter": {"sha256": f"{place}f" * 32}}
            record = make_record(
                make_spec(decoder=name, n_docs=documents, **{**drafter, **spec}),
                heat_id=heat_id,
                certificate=Certificate(**LOSSLESS, n=documents, identical=documents) if place else BASELINE,
                drafter={"parameters": 9} if drafter else None,
            )
            rows = tuple(
                make_row(i, rounds=rounds(i), decode_s=seconds, target_s=seconds / 2) for i in range(documents)
            )
            found.append(Cell(record=record, rows=rows))
        return found

    return heat


def pair(table: pd.DataFrame, a: str, b: str) -> dict[Any, Any]:
    (line,) = table[(table["a"] == a) & (table["b"] == b)].to_dict("records")
    return line


def test_every_two_decoders_are_compared_and_corrected_together(make: Any) -> None:
    table = decoder_comparisons(make())
    assert [*zip(table["a"], table["b"], strict=True)] == [
        ("autoregressive", "eagle2"), ("autoregressive", "jakiro"), ("autoregressive", "medusa"),
        ("eagle2", "jakiro"), ("eagle2", "medusa"), ("jakiro", "medusa"),
    ]  # fmt: skip
    assert set(table["family"]) == {6}
    assert (table["p_acceptance_corrected"] >= table["p_acceptance"]).all()
    line = pair(table, "eagle2", "jakiro")
    assert (line["n_suites"], line["n_docs"], line["n_clusters"]) == (1, LEAST, LEAST)
    assert line["acceptance_a"] == 3.0 > line["acceptance_b"] > 2.0
    assert line["acceptance_difference"] == pytest.approx(3.0 - line["acceptance_b"])
    assert 0 < line["acceptance_difference_low"] < line["acceptance_difference"] < line["acceptance_difference_high"]
    assert line["accepts"] == "more"
    assert (line["speed"], line["p_speed"], line["speed_ratio"]) == ("tie", 1.0, 1.0)


def test_equal_acceptance_is_a_tie_whatever_the_seconds(make: Any) -> None:
    line = pair(decoder_comparisons(make()), "eagle2", "medusa")
    assert (line["accepts"], line["p_acceptance"]) == ("tie", 1.0)
    assert (line["speed"], line["speed_ratio"]) == ("faster", pytest.approx(0.95 / 0.75))
    assert line["p_speed_corrected"] < 0.01


def test_pairs_are_those_of_the_leaderboards_rows(make: Any) -> None:
    cells = [*make(heat_id="1"), *make(heat_id="2", suite="other")]
    table, rows = decoder_comparisons(cells), leaderboard(cells).query("suite == 'all'")
    assert set(table["key_a"]) | set(table["key_b"]) == set(rows["key"])
    line = pair(table, "autoregressive", "jakiro")
    (row,) = rows[rows["key"] == line["key_b"]].to_dict("records")
    assert (line["n_suites"], line["n_docs"]) == (2, 2 * LEAST)
    assert (line["acceptance_b"], line["tokens_per_s_b"]) == pytest.approx(
        (row["acceptance_length"], row["tokens_per_s"])
    )


def test_the_order_of_records_does_not_matter(make: Any) -> None:
    cells = [*make(heat_id="1"), *make(heat_id="2", suite="other"), *make(heat_id="3", temperature=1.0)]
    assert decoder_comparisons(cells).equals(decoder_comparisons(cells[::-1]))


def test_few_documents_other_heats_and_other_texts_are_not_compared(make: Any) -> None:
    assert decoder_comparisons(make(documents=LEAST - 1)).empty
    assert decoder_comparisons([*make()[:1], *make(heat_id="heat-2")[1:2]]).empty
    changed = make()
    differs = Certificate(kind="greedy_identity", verdict="differs", n=LEAST, identical=LEAST - 1, unexplained=1)
    record = changed[1].record.model_copy(update={"certificate": differs})
    table = decoder_comparisons([changed[0], Cell(record=record, rows=changed[1].rows), *changed[2:]])
    assert "eagle2" not in {*table["a"], *table["b"]}
    assert set(table["family"]) == {3}


def test_two_of_one_name_are_told_apart_by_what_differs(make: Any) -> None:
    arms = {name: ARMS[name] for name in ("autoregressive", "eagle2")}
    wide = {"drafter": {"sha256": "aa" * 32, "variant": {"width": 640}}}
    cells = [
        *make(arms, layout="packed"),
        make(arms, layout="packed", **wide)[1],
        make(arms, layout="prepacked", decoder_config={"depth": 2})[1],
    ]
    table = decoder_comparisons(cells)
    assert {*table["a"], *table["b"]} == {
        "autoregressive on packed",
        "eagle2 on packed",
        "eagle2, width 640 on packed",
        "eagle2, depth 2 on prepacked",
    }
    twins = [*make(arms), make(arms, drafter={"sha256": "bb" * 32})[1]]
    labels = {*(table := decoder_comparisons(twins))["a"], *table["b"]}
    assert labels == {"autoregressive", "eagle2 (1f1f1f1f)", "eagle2 (bbbbbbbb)"}, "as the leaderboard names drafters"


def test_the_page_has_a_line_a_decoder_with_whom_it_exceeds(make: Any) -> None:
    title, explained, told, table = comparisons_markdown(decoder_comparisons(make()))
    assert title == TITLE
    assert "Holm" in explained
    assert "in their seed alone" in " ".join(explained.split())
    assert told == f"**toy, temperature 0, seed 0, {LEAST} documents of 1 suite, 6 pairs**"
    heading, _, *lines = ([cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines())
    assert heading[:5] == ["#", "Decoder", "Acceptance length", "Accepts more than", "Acceptance not told from"]
    assert [line[:5] for line in lines] == [
        ["1", "eagle2", "3.00", "3-4", "2"],
        ["2", "medusa", "3.00", "3-4", "1"],
        ["3", "jakiro", lines[2][2], "4", "-"],
        ["4", "autoregressive", "1.00", "-", "-"],
    ]
    assert [line[6:] for line in lines] == [["2, 4", "3"], ["4", "-"], ["2, 4", "1"], ["-", "-"]]
    assert comparisons_markdown(decoder_comparisons([])) == []


def test_each_family_has_a_table_of_its_own(make: Any) -> None:
    cells = [*make(heat_id="1"), *make(heat_id="2", temperature=1.0)]
    parts = comparisons_markdown(decoder_comparisons(cells))
    assert [part for part in parts if part.startswith("**")] == [
        f"**toy, temperature {at}, seed 0, {LEAST} documents of 1 suite, 6 pairs**" for at in (0, 1)
    ]


def test_csv_is_written_beside_the_page_and_read_back(make: Any, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.commit([(cell.record, cell.rows) for cell in make()])
    write_leaderboard(store, tmp_path)
    table = from_csv(tmp_path / "decoder_comparisons.csv", COLUMNS)
    assert len(table) == 6
    assert pair(table, "eagle2", "jakiro")["accepts"] == "more"
    page = (tmp_path / "LEADERBOARD.md").read_text()
    assert page.index("## What drafters cost") < page.index(TITLE)
    again = (tmp_path / "decoder_comparisons.csv").read_bytes()
    write_leaderboard(store, tmp_path)
    assert (tmp_path / "decoder_comparisons.csv").read_bytes() == again, "remembered rows are those that were made"
