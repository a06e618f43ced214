"""The leaderboard's tables on the board: which of its columns, and at most so many of its rows."""

import math
from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from offbook.harness.tables.board.contenders import groups
from offbook.harness.tables.board.face import Cell, Face, Line, Link, face, grid
from offbook.harness.tables.board.links import Files
from offbook.harness.tables.columns import Column, Place, Table, always, pick
from offbook.harness.tables.csv_file import digits
from offbook.harness.tables.decoders_columns import COLUMNS
from offbook.harness.tables.dimensions import ALL_SUITES
from offbook.harness.tables.markdown import number
from offbook.harness.tables.ranks import doubt, fastest_first
from offbook.harness.tables.rows import Row, Rows

MOST_ROWS = 5_000  # of the table that has all
MOST_BESIDE = 1_000  # of each other one
MOST_LINKS = 3_000  # of a table
MOST_GRIDS = 6
BOARD: tuple[Place, ...] = ("board",)
RECORDS = "leaderboard_records.csv"
FILTERS = ("model", "training", "suite", "temperature", "layout")


def _shown(*names: str) -> tuple[Column, ...]:
    """Columns of the leaderboard where its pages show them, or here in any case."""
    found = pick(COLUMNS, *names)
    return tuple(
        replace(column, shown_in=BOARD, heading=column.heading or column.name.capitalize()) for column in found
    )


DECODERS = (
    *_shown("decoder_label", "decoder_made_by", "rank", "model", "training"),
    *(replace(column, shown_for=always) for column in _shown("layout", "suite", "temperature")),
    *_shown("seed", "dtype", "top_k", "top_p", "n_docs"),
    *(replace(column, shown_for=always) for column in _shown("accuracy", "acceptance_length", "tokens_per_s")),
    *_shown("speedup", "speedup_fastest", "break_even", "first_token_s", "floor_share", "losslessness"),
    *_shown("decoder_options", "drafter_sha256"),
)


def _verdict(row: Row) -> str:
    """What a certificate comes to."""
    if told := doubt(row):
        return told
    found = str(row["losslessness"])
    if found == "baseline":
        return "reference"
    return "lossless within a bound" if found.startswith("TV") else "lossless"


VERDICTS = (
    *_shown("decoder_label", "model", "training"),
    *(replace(column, shown_for=always) for column in _shown("layout", "temperature")),
    Column(name="verdict", heading="Verdict", shown_in=BOARD, written=_verdict),
    replace(_shown("losslessness")[0], heading="Found, with bounds"),
    *_shown("n_docs"),
)


def rows_of_board(table: pd.DataFrame, most: int = MOST_ROWS) -> pd.DataFrame:
    """All rows where there are at most so many; else the pooled ones, and of those at most so many, in order."""
    if len(table) <= most:
        return table
    return table[table["suite"] == ALL_SUITES].iloc[:most]


def cut(rows: pd.DataFrame, of: pd.DataFrame) -> str:
    """For the end of a caption, where not all rows are shown."""
    return f"; the first {len(rows):,} of {len(of):,} rows" if len(rows) < len(of) else ""


def fastest_of_each_suite(table: pd.DataFrame) -> pd.DataFrame:
    """The rows suite by suite, those over all suites first, the fastest of like ones first."""
    if table.empty:
        return table
    order = [at for _, rows in table.groupby("suite", sort=False) for at in fastest_first(rows).index]
    return table.loc[order]


def decoders_face(table: pd.DataFrame, files: Files) -> Face:
    """The leaderboard; `table` are the rows that are shown."""
    found = face(
        Table(columns=DECODERS, rows=table),
        name="decoders",
        caption="Decoders: a row a contender over all suites, and one for each suite",
        filters=FILTERS,
        chosen={"suite": ALL_SUITES},
        files=files,
    )
    return with_few_links(found)


def verdicts_face(table: pd.DataFrame, files: Files) -> Face:
    """The certificate of each contender, over all of its suites."""
    pooled = table[table["suite"] == ALL_SUITES]
    rows = rows_of_board(pooled, MOST_BESIDE)
    found = face(
        Table(columns=VERDICTS, rows=rows),
        name="losslessness",
        caption=f"Losslessness: whether a decoder says what its target says{cut(rows, pooled)}",
        filters=("model", "training", "temperature", "verdict"),
        files=files,
    )
    return with_few_links(found)


def with_few_links(found: Face, most: int = MOST_LINKS) -> Face:
    """The table; where it would have too many links, a row over several records links the list of all instead."""
    if sum(map(len, found.links)) <= most:
        return found
    listed = [links if len(links) < 2 else (Link(RECORDS, f"{len(links)} records"),) for links in found.links]
    return replace(found, links=tuple(listed))


def category_faces(table: pd.DataFrame, files: Files) -> Iterator[Face]:
    """Acceptance length by suite: a table for each group of contenders, a row a contender."""
    by_record = {
        found[0]: row
        for row in Rows(table[table["suite"] != ALL_SUITES])
        if len(found := files.get(row["key"], ())) == 1
    }
    for place, group in zip(range(MOST_GRIDS), groups(table), strict=False):
        members = [[by_record[path] for path in files.get(row["key"], ()) if path in by_record] for row in group.rows]
        of_suites = [{row["suite"]: row["acceptance_length"] for row in rows} for rows in members]
        suites = sorted({suite for found in of_suites for suite in found})
        lines = [
            Line(label, [_acceptance(found.get(suite, math.nan)) for suite in suites], files.get(row["key"], ()))
            for label, row, found in zip(group.labels, group.rows, of_suites, strict=True)
            if row["acceptance_length"] > 1
        ]
        if suites and lines:
            by_suite = grid(
                f"categories-{place}",
                f"Acceptance length by suite, tokens a verify forward: {group.title}; {group.over}",
                ["Decoder", *suites],
                lines,
            )
            yield with_few_links(by_suite)


def _acceptance(value: float) -> Cell:
    text, (exact,) = number(value, 2), digits([value])
    return Cell(text, "" if exact == text else exact)


def records_table(table: pd.DataFrame, files: Files) -> pd.DataFrame:
    """A line for each record behind each row: the row's key and suite, and where the record lies."""
    lines = [(row["key"], row["suite"], path) for row in Rows(table) for path in files.get(row["key"], ())]
    return pd.DataFrame(lines, columns=["key", "suite", "record"])
