"""A table as CSV, with every digit, and back."""

import csv
import io
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic_core import to_json

from offbook.harness.tables.columns import Column, Table, fields

_SPECIAL = re.compile(r"[^\w .:;()<>=/+-]")  # all of CSV's own, and more


def from_csv(path: Path, columns: Sequence[Column]) -> pd.DataFrame:
    """What `to_csv` wrote.

    Raises:
        ValueError: no such file, no table in it, or one without these columns.
    """
    texts = [column.name for column in columns if column.kind == "text"]
    empty = {name: [""] for name in fields(columns) if name not in texts}
    try:
        table = pd.read_csv(path, dtype=dict.fromkeys(texts, str), na_values=empty, keep_default_na=False)
    except (FileNotFoundError, pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        message = f"{path.name}: expected a {path.name}, got {type(error).__name__}; write one with `offbook report`"
        raise ValueError(message) from error
    missing = [name for name in fields(columns) if name not in table.columns]
    if missing:
        message = f"{path.name}: expected column {missing[0]!r}, got none; write the table with `offbook report`"
        raise ValueError(message)
    return table


def to_csv(table: Table) -> str:
    """CSV with every digit."""
    return csv_text(table.rows[fields(table.columns)])


def csv_text(frame: pd.DataFrame) -> str:
    """A frame as CSV with every digit; text that a spreadsheet would run as a formula gets an apostrophe."""
    columns = [_safe(frame.iloc[:, place]) for place in range(frame.shape[1])]
    head = ",".join(map(_quoted, frame.columns))
    return "\n".join((head, *map(",".join, zip(*columns, strict=True)), ""))


def _safe(column: "pd.Series[Any]") -> list[str]:
    """Values as CSV has them; nothing for what is not known."""
    if column.dtype == "float64":
        return digits(column.tolist())
    values: list[Any] = column.astype(object).tolist()
    if column.hasnans:
        values = [value if there else "" for value, there in zip(values, column.notna().tolist(), strict=True)]
    if not pd.api.types.is_numeric_dtype(column):
        texts = {value: _quoted(_no_formula(value)) for value in set(values) if isinstance(value, str)}
        values = [texts.get(value, value) for value in values]
    return [*map(str, values)]


def digits(values: Sequence[float]) -> list[str]:
    """Numbers with every digit, as `repr` writes them; nothing for unknown.

    JSON has the same digits in a fifth of the time, but for how it writes what is very small or very large.
    """
    if not values:
        return []
    texts = to_json(values).decode("ascii")[1:-1].split(",")
    return [
        text if 1e-4 <= abs(value) < 1e15 else "" if math.isnan(value) else repr(value)
        for text, value in zip(texts, values, strict=True)
    ]


def _quoted(text: str) -> str:
    """Text as a cell of CSV."""
    if not _SPECIAL.search(text):
        return text
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow((text, ""))
    return line.getvalue().removesuffix(",\n")


def _no_formula(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
