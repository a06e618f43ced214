"""One description of columns, read by every face of a table."""

import io
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from tabulate import tabulate

from offbook.harness.tables.columns import (
    CSV,
    EVERYWHERE,
    PAGE,
    Column,
    Table,
    definitions,
    differing,
    fields,
    to_markdown,
    to_terminal,
)
from offbook.harness.tables.csv_file import csv_text, to_csv
from offbook.harness.tables.markdown import markdown_table
from offbook.harness.tables.rows import Rows

COLUMNS = (
    Column(name="who", heading="Who", shown_in=EVERYWHERE, definition="a name."),
    Column(name="seed", heading="Seed", shown_in=EVERYWHERE, shown_for=differing("seed")),
    Column(
        name="change",
        heading="Change",
        kind="number",
        digits=1,
        scale=100,
        sign="+",
        interval=True,
        shown_in=EVERYWHERE,
    ),
    Column(name="score", heading="Score", kind="number", behind="metric", shown_in=PAGE),
    Column(name="metric"),
    Column(name="ended", heading="Ended", kind="share", shown_in=EVERYWHERE, definition="share of answers."),
    Column(name="tokens", heading="Tokens", kind="count", shown_in=("csv", "terminal")),
    Column(name="both", heading="Both", shown_in=("markdown",), written=lambda row: f"{row['who']}/{row['seed']}"),
    Column(name="key", shown_in=CSV),
)


def table(**changes: list[object]) -> Table:
    rows = {
        "who": ["[red]a|b", "=c"],
        "seed": [0, 0],
        "change": [0.1234, -0.05],
        "change_low": [0.1, float("nan")],
        "change_high": [0.2, float("nan")],
        "score": [0.5, 1.0],
        "metric": ["<acc>", "f1"],
        "ended": [0.5, float("nan")],
        "tokens": [12_345.0, 9.0],
        "key": ["k", "l"],
    }
    return Table(columns=COLUMNS, rows=pd.DataFrame(rows | changes))


def lines(markdown: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.replace("\\|", "I").strip("|").split("|")] for line in markdown.splitlines()]


def test_csv_has_every_digit_and_both_ends_of_an_interval() -> None:
    header = "who,seed,change,change_low,change_high,score,metric,ended,tokens,key"
    assert ",".join(fields(COLUMNS)) == header
    text = to_csv(table())
    assert text.splitlines()[0] == header
    assert "0.1234,0.1,0.2" in text
    assert "'=c" in text


def test_a_page_rounds_scales_and_shows_intervals_where_there_are_some() -> None:
    heading, _, first, second = lines(to_markdown(table()))
    assert heading == ["Who", "Change", "Score", "Ended", "Both"]
    assert first == ["\\[red\\]aIb", "+12.3 [+10.0, +20.0]", "0.50 &lt;acc&gt;", "50 %", "\\[red\\]aIb/0"]
    assert second[1:4] == ["-5.0", "1.00 f1", "-"]


def test_a_column_for_differences_is_there_where_rows_differ() -> None:
    assert "Seed" not in to_markdown(table())
    assert "Seed" in to_markdown(table(seed=[0, 1]))
    assert to_csv(table()).splitlines()[0] == to_csv(table(seed=[0, 1])).splitlines()[0]


def test_each_place_shows_its_own_columns() -> None:
    out = io.StringIO()
    Console(file=out, width=100).print(to_terminal(table(), "Title"))
    assert "[red]a|b" in out.getvalue(), "text is not taken for colours"
    assert "Tokens" in out.getvalue()
    assert "Tokens" not in to_markdown(table())
    assert "+12.3" in out.getvalue()
    assert "+10.0" not in out.getvalue()


def printed(columns: tuple[Column, ...], width: int) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(to_terminal(Table(columns=columns, rows=table().rows), "Title"))
    return out.getvalue()


def test_a_narrow_terminal_is_spared_columns_and_no_word_is_cut() -> None:
    columns = tuple(replace(column, spared={"tokens": 2, "ended": 1}.get(column.name, 0)) for column in COLUMNS)
    whole, narrow, narrower = (printed(columns, width) for width in (60, 34, 26))
    assert all(heading in whole for heading in ("Who", "Change", "Ended", "Tokens"))
    assert "too narrow" not in whole
    assert "Ended" in narrow.partition("too narrow")[0]
    assert "too narrow for: Tokens" in narrow
    assert "Ended" not in narrower.partition("too narrow")[0]
    assert all("…" not in text and "[red]a|b" in text for text in (whole, narrow, narrower))
    assert "too narrow for" not in printed(COLUMNS, 26), "nobody said what can be spared"


def test_definitions_are_those_of_the_columns() -> None:
    assert definitions(COLUMNS) == ["- **Who**: a name.", "- **Ended**: share of answers."]


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx"])
def test_no_text_is_a_formula(text: str) -> None:
    assert csv_text(pd.DataFrame({"a": [text]})).splitlines()[1].lstrip('"').startswith("'")


TEXTS = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"]), max_size=9)


@given(st.lists(st.lists(TEXTS, min_size=3, max_size=3), min_size=1, max_size=5))
def test_a_pipe_table_is_tabulates(rows: list[list[str]]) -> None:
    columns = dict(zip(("a", "a long heading", "x"), zip(*rows, strict=True), strict=True))
    assert markdown_table(columns) == tabulate(columns, headers="keys", tablefmt="pipe", disable_numparse=True)


@given(st.lists(st.tuples(st.integers(-(2**53), 2**53), st.floats(), TEXTS, st.booleans()), min_size=1, max_size=5))
def test_csv_is_that_of_pandas_but_for_formulas(rows: list[tuple[int, float, str, bool]]) -> None:
    frame = pd.DataFrame([(n, x, f"t{text}", b) for n, x, text, b in rows], columns=["n", "x", "text", "b"])
    assert csv_text(frame) == frame.to_csv(index=False, lineterminator="\n")
    assert repr([dict(row) for row in Rows(frame)]) == repr(frame.to_dict("records"))
