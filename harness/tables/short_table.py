"""A table that a README can show: few rows, few columns, and no line that is too wide for a screen."""

from collections.abc import Collection, Sequence

import pandas as pd

from offbook.harness.tables.columns import Column
from offbook.harness.tables.markdown import escape, markdown_table
from offbook.harness.tables.rows import Rows

MOST_ROWS = 6
MOST_COLUMNS = 5
WIDEST = 100  # characters of a line
CUT = "..."


def chosen(names: Sequence[str], keep: Collection[str], most: int = MOST_ROWS) -> list[str]:
    """At most so many of these names, in their order: those to keep, and of the others the first."""
    kept = [name for name in names if name in keep][:most]
    others = [name for name in names if name not in keep][: most - len(kept)]
    there = {*kept, *others}
    return [name for name in names if name in there]


def short_table(columns: Sequence[Column], rows: pd.DataFrame) -> str:
    """A pipe table of one row or more, whose first column is cut where a line would be wider than `WIDEST`."""
    assert len(columns) <= MOST_COLUMNS
    assert 0 < len(rows) <= MOST_ROWS
    held = Rows(rows)
    cells = {column.heading: column.cells(held, quote=escape) for column in columns}
    over = max(map(len, markdown_table(cells).splitlines())) - WIDEST
    if over > 0:
        who = columns[0].heading
        longest = max(len(CUT), max(map(len, cells[who])) - over)
        cells[who] = [name if len(name) <= longest else name[: longest - len(CUT)] + CUT for name in cells[who]]
    return markdown_table(cells)
