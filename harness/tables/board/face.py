"""A table as HTML shows it: cells as people read them, and behind each number the digits that its CSV has."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from offbook.harness.tables.board.links import Files
from offbook.harness.tables.board.svg import clean
from offbook.harness.tables.columns import Column, Place, Table
from offbook.harness.tables.csv_file import digits
from offbook.harness.tables.rows import Row, Rows

MOST_CHOICES = 60  # of a filter
FEWEST_SEARCHED = 8  # rows; fewer are seen at once


class Cell(NamedTuple):
    """What is read, and of a number its digits; "" for text and where the table knows none."""

    text: str
    value: str = ""


class Link(NamedTuple):
    """To a file, and what it is called."""

    path: str
    said: str


class Filter(NamedTuple):
    """A choice among the texts of a column; `chosen` at first, "" for all."""

    column: int
    heading: str
    choices: tuple[str, ...]
    chosen: str


@dataclass(frozen=True, kw_only=True)
class Face:
    """A table.

    Attributes:
        name: of its place in the page.
        caption: what its rows are.
        columns: those that are shown; the first names a row.
        numeric: of each, whether its cells are sorted as numbers.
        rows: cells, a column each.
        links: of each row, to its records; empty where the table has none.
        filters: see there.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[Cell, ...], ...]
    links: tuple[tuple[Link, ...], ...] = ()
    filters: tuple[Filter, ...] = ()

    @property
    def searched(self) -> bool:
        """Whether it has so many rows that one may look for some."""
        return len(self.rows) >= FEWEST_SEARCHED

    @property
    def defined(self) -> list[Column]:
        """Columns that say what they mean."""
        return [column for column in self.columns if column.definition]


def face(
    table: Table,
    *,
    name: str,
    caption: str,
    place: Place = "board",
    filters: Sequence[str] = (),
    chosen: Mapping[str, str] | None = None,
    files: Files | None = None,
    known_by: Callable[[Row], str] = lambda row: str(row["key"]),
) -> Face:
    """A table as it is shown in one of its places.

    Args:
        table: rows and the description of their columns.
        name: of its place in the page; letters, digits, hyphens.
        caption: what its rows are.
        place: whose columns are shown.
        filters: names of columns by which rows may be chosen, where these have several texts.
        chosen: the text that is chosen at first, by the name of its column, where there is such a text.
        files: records by what a row is known by.
        known_by: what that is.
    """
    columns, rows = tuple(table.shown(place)), Rows(table.rows)
    told = [[clean(text.strip()) for text in column.cells(rows)] for column in columns]
    values = [_values(column, table.rows) for column in columns]
    numeric = tuple(value is not None for value in values)
    cells = [
        [Cell(text) for text in texts]
        if found is None
        else [Cell(text, "" if value == text else value) for text, value in zip(texts, found, strict=True)]
        for texts, found in zip(told, values, strict=True)
    ]
    links = [] if files is None else [_links(files.get(known_by(row), ())) for row in rows]
    return Face(
        name=name,
        caption=caption,
        columns=columns,
        numeric=numeric,
        rows=tuple(zip(*cells, strict=True)),
        links=tuple(links) if any(links) else (),
        filters=tuple(_filters(columns, told, filters, chosen or {})),
    )


class Line(NamedTuple):
    """A row of a `grid`: its name, its numbers, the paths of its records."""

    said: str
    cells: Sequence[Cell]
    records: Sequence[str]


def grid(name: str, caption: str, heads: Sequence[str], lines: Sequence[Line]) -> Face:
    """A table with a heading for each text of a column, such as a suite: names down, numbers across."""
    links = tuple(_links(line.records) for line in lines)
    columns = tuple(
        Column(name=head, heading=head, kind="number" if place else "text") for place, head in enumerate(heads)
    )
    return Face(
        name=name,
        caption=caption,
        columns=columns,
        numeric=tuple(column.kind == "number" for column in columns),
        rows=tuple((Cell(clean(line.said)), *line.cells) for line in lines),
        links=links if any(links) else (),
    )


def _values(column: Column, frame: pd.DataFrame) -> list[str] | None:
    """Digits as CSV has them; None for what is no number."""
    values = frame[column.name] if column.name in frame.columns else None
    if values is None or values.dtype == "bool" or not pd.api.types.is_numeric_dtype(values):
        return None
    if values.dtype == "float64":
        return digits(values.tolist())
    return ["" if pd.isna(value) else str(value) for value in values.tolist()]


def _links(paths: Sequence[str]) -> tuple[Link, ...]:
    """Each under the end of its name, which tells records apart."""
    return tuple(Link(path, path.rsplit("/", 1)[-1].removesuffix(".json")) for path in paths)


def _filters(
    columns: Sequence[Column], told: Sequence[Sequence[str]], names: Sequence[str], chosen: Mapping[str, str]
) -> list[Filter]:
    found = []
    for place, (column, texts) in enumerate(zip(columns, told, strict=True)):
        choices = tuple(sorted({*texts} - {""}))
        if column.name in names and 1 < len(choices) <= MOST_CHOICES:
            first = chosen.get(column.name, "")
            found.append(Filter(place, column.heading, choices, first if first in choices else ""))
    return found
