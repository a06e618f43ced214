"""A table is rows and a description of its columns, which CSV, Markdown, terminal and definitions read.

What a column is called, its unit, its digits, whether it has an interval and where it is shown stand in one place, so
that no two of a table's faces can disagree.
"""

import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd
import rich.table
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markup import escape as escape_markup
from rich.measure import measure_renderables

from offbook.engine.counted import counted
from offbook.harness.tables.markdown import UNKNOWN, count, escape, markdown_table, numbers, share
from offbook.harness.tables.rows import Row, Rows

Place = Literal["csv", "markdown", "terminal", "board"]
Kind = Literal["text", "truth", "whole", "number", "share", "count"]
Rerun = Literal["", "row", "interval", "test", "beside", "timing"]

CSV: tuple[Place, ...] = ("csv",)
PAGE: tuple[Place, ...] = ("csv", "markdown")
EVERYWHERE: tuple[Place, ...] = ("csv", "markdown", "terminal")
WIDTH = 120


def always(_: object) -> bool:
    """Whatever the rows are."""
    return True


@dataclass(frozen=True, kw_only=True)
class Column:
    """One quantity of a table.

    Attributes:
        name: in CSV.
        heading: for people.
        unit: what the number in CSV counts; "" for text and for plain ratios.
        kind: how people read it: text, yes or no, a whole number, a rounded one, a share in percent, or a count such as
            1.2M.
        digits: of a number.
        scale: a number is shown times this, 100 for points.
        sign: "+" shows the sign of a number above 0 too.
        interval: whether `name_low` and `name_high` stand beside it.
        shown_in: its places.
        shown_for: whether it is shown for these rows; CSV always has it.
        late: whether it stands behind all that are not, wherever people read it, as long settings do.
        spared: a terminal too narrow for all columns is spared those above 0, the highest first.
        behind: the field whose text stands behind the number, such as a score's metric.
        written: how a cell is written, where it is more than its own number.
        quoted: whether that is made harmless, as text must be that is not the table's own.
        rerun: what a rerun must show: the name of the same row; a number that is equal or whose interval overlaps; the
            same test, passed; a number that stands beside, unjudged; a timing, which also stands beside and is another
            one in every run. "" for what is not held against a rerun.
        rerun_for: for which rows a rerun must.
        definition: what it means, for the top of the page.
    """

    name: str
    heading: str = ""
    unit: str = ""
    kind: Kind = "text"
    digits: int = 2
    scale: float = 1
    sign: str = ""
    interval: bool = False
    shown_in: tuple[Place, ...] = CSV
    shown_for: Callable[[pd.DataFrame], bool] = always
    late: bool = False
    spared: int = 0
    behind: str = ""
    written: Callable[[Row], str] | None = None
    quoted: bool = True
    rerun: Rerun = ""
    rerun_for: Callable[[Row], bool] = always
    definition: str = ""

    @property
    def fields(self) -> tuple[str, ...]:
        """Its columns in CSV."""
        return (self.name, f"{self.name}_low", f"{self.name}_high") if self.interval else (self.name,)

    def cells(self, rows: Rows, *, bounds: bool = True, quote: Callable[[str], str] = str) -> list[str]:
        """The cells of all rows for people.

        Args:
            rows: by field.
            bounds: whether the interval is written where there is one.
            quote: makes text harmless where the cell goes; numbers need none.
        """
        if self.written is not None:
            written = map(self.written, rows)
            return [*map(quote, written)] if self.quoted else [*written]
        values = rows.of(self.name)
        if self.kind in ("text", "whole"):
            return [quote(f"{value}") for value in values]
        if self.kind == "truth":
            return ["yes" if value else "no" for value in values]
        shown = (
            [*map(share, values)]
            if self.kind == "share"
            else [*map(count, values)]
            if self.kind == "count"
            else self._numbers(values)
        )
        if bounds and self.interval and f"{self.name}_low" in rows.names:
            lows, highs = (self._numbers(rows.of(f"{self.name}_{end}")) for end in ("low", "high"))
            shown = [
                text if low == UNKNOWN else f"{text} [{low}, {high}]"
                for text, low, high in zip(shown, lows, highs, strict=True)
            ]
        if self.behind:
            shown = [f"{text} {quote(value)}" for text, value in zip(shown, rows.of(self.behind), strict=True)]
        return shown

    def _numbers(self, values: Sequence[float]) -> list[str]:
        return numbers([self.scale * value for value in values], self.digits, sign=self.sign)


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows, a column of the frame for each field of each description that CSV shows."""

    columns: tuple[Column, ...]
    rows: pd.DataFrame

    def shown(self, place: Place) -> list[Column]:
        """The columns that these rows show there, those that are late behind the others."""
        found = [column for column in self.columns if place in column.shown_in and column.shown_for(self.rows)]
        return sorted(found, key=lambda column: column.late)


def fields(columns: Sequence[Column]) -> list[str]:
    """The header of the CSV."""
    return [field for column in columns if "csv" in column.shown_in for field in column.fields]


def to_markdown(table: Table) -> str:
    """A pipe table, rounded, with intervals; text stays inside its cell."""
    rows = Rows(table.rows)
    return markdown_table({column.heading: column.cells(rows, quote=escape) for column in table.shown("markdown")})


@dataclass(frozen=True)
class OnTerminal:
    """A table as wide as the terminal at most: without what it can be spared, where words would have to be cut."""

    table: Table
    title: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Asked by rich."""
        rows = Rows(self.table.rows)
        cells = {
            column: [escape_markup(column.heading), *column.cells(rows, bounds=False, quote=escape_markup)]
            for column in self.table.shown("terminal")
        }
        unbounded = options.update(max_width=sys.maxsize)
        ranges = {column: measure_renderables(console, unbounded, texts) for column, texts in cells.items()}
        spared: list[str] = []
        while (room := self._room([ranges[column].minimum for column in cells], options.max_width)) < 0:
            first = max(cells, key=lambda column: column.spared)
            if not first.spared:
                break
            spared.append(first.heading)
            del cells[first]
        shown = rich.table.Table(title=self.title)
        for column, (heading, *_) in cells.items():
            least, most = ranges[column]
            more = max(0, min(most - least, room))
            shown.add_column(heading, width=least + more if room >= 0 else None)
            room -= more
        for line in zip(*(texts[1:] for texts in cells.values()), strict=True):
            shown.add_row(*line)
        if spared:
            shown.caption = f"too narrow for: {', '.join(spared)}"
        yield shown

    @staticmethod
    def _room(widths: Sequence[int], width: int) -> int:
        """What a table of these columns leaves of a width: each has a rule and a space on both sides."""
        return width - sum(widths) - 3 * len(widths) - 1 if widths else 0


def to_terminal(table: Table, title: str) -> OnTerminal:
    """A table for the terminal, without intervals."""
    return OnTerminal(table, title)


def pick(columns: Sequence[Column], *names: str) -> tuple[Column, ...]:
    """Some columns of a description, in this order."""
    by_name = {column.name: column for column in columns}
    return tuple(by_name[name] for name in names)


def definitions(columns: Sequence[Column]) -> list[str]:
    """A line of Markdown for each column that has a definition."""
    return [bullet(defined(column)) for column in columns if column.definition]


def defined(column: Column) -> str:
    """A column's heading and what it means."""
    return f"**{column.heading}**: {column.definition}"


def bullet(text: str) -> str:
    """One entry of a list in Markdown, wrapped."""
    return textwrap.indent(paragraph(text, WIDTH - 2), "  ").replace(" ", "-", 1)


def paragraph(text: str, width: int = WIDTH) -> str:
    """Text wrapped; a number and its % stay together."""
    together = " ".join(text.split()).replace(" %", "\N{NO-BREAK SPACE}%")
    wrapped = textwrap.fill(together, width, break_long_words=False, break_on_hyphens=False)
    return wrapped.replace("\N{NO-BREAK SPACE}%", " %")


def differing(*names: str) -> Callable[[pd.DataFrame], bool]:
    """Shown only where the rows differ in one of these fields; most tables need no such column."""
    return lambda rows: any(rows[name].nunique() > 1 for name in names)


def lost(row: Row) -> str:
    """How many cells a row's method is without."""
    return counted(row["missing"], "cell") if row["missing"] else "-"


def incomplete(rows: pd.DataFrame) -> bool:
    """Shown where something of a plan is known to be missing."""
    return "missing" in rows and bool(rows["missing"].any())


MISSING = Column(
    name="missing", heading="Missing", shown_in=("markdown", "terminal"), shown_for=incomplete, written=lost
)


def documents(row: Row, items: str = "n_docs") -> str:
    """How many documents, and behind a slash how many clusters of like ones, where that is another number."""
    return f"{row[items]}" + ("" if row["n_clusters"] == row[items] else f" / {row['n_clusters']}")
