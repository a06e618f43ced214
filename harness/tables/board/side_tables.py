"""Tables that other commands leave beside the leaderboard, as pictures; one that is not there is left out.

    layouts.csv   what a verify forward of many rows costs (`python -m offbook.harness.trials.layouts_benchmark`)
    curves.csv    scores of students between a base model and a trained one, by how far they are (`a`)

A file of either name that lacks one of the columns is another table, and left out too.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from offbook.harness.tables.board.line_plot import Curve, line_plot
from offbook.harness.tables.board.plot import Plot
from offbook.harness.tables.board.plot_names import plot_name
from offbook.harness.tables.columns import Column, fields
from offbook.harness.tables.csv_file import from_csv
from offbook.harness.tables.rows import Rows
from offbook.harness.tables.students_columns import GROUPS

MOST = 4  # pictures of either
POINTS = 100  # of one share
SHORT = 12  # characters of a hash
LAYOUTS = (
    Column(name="model"),
    Column(name="layout"),
    Column(name="rows", kind="number"),
    Column(name="context", kind="number"),
    Column(name="over_one_row", kind="number"),
    Column(name="cpu"),
    Column(name="cpu_capability"),
)
CURVES = (
    Column(name="model"),
    Column(name="student"),
    Column(name="exam"),
    Column(name="a", kind="number"),
    Column(name="group"),
    Column(name="score", kind="number"),
)


def row_cost_plots(folder: Path) -> Iterator[Plot]:
    """Seconds of a forward of several rows over those of one, a curve a layout."""
    table = _read(folder / "layouts.csv", LAYOUTS)
    by = ["model", "context", "cpu", "cpu_capability"]
    for (model, context, cpu, capability), rows in _first(table, by):
        latest = rows.drop_duplicates(["layout", "rows"], keep="last").sort_values("rows", kind="stable")
        curves = {
            str(layout): _curve(of_layout, "rows", "over_one_row")
            for layout, of_layout in latest.groupby("layout", sort=False)
            if len(of_layout) > 1
        }
        if not curves:
            continue
        yield line_plot(
            curves,
            name=plot_name("row-costs", model, f"{context:g} tokens", cpu, capability),
            title=f"What a forward of many rows costs: {model}, behind {context:g} tokens, {cpu} ({capability})",
            x_name="rows (tokens verified at once)",
            y_name="over one row",
            caption=(
                "Milliseconds over those of one row in the same layout, medians; layouts.csv has rounds, threads "
                "and load. Drafting pays where more tokens are committed than this.",
            ),
            y_with=(1.0,),
            doubling=True,
        )


def interpolation_plots(folder: Path) -> Iterator[Plot]:
    """In distribution against elsewhere along the way from a base model to each of its students."""
    table = _read(folder / "curves.csv", CURVES)
    for (model, exam), rows in _first(table, ["model", "exam"]):
        for group, named in GROUPS.items():
            curves = {str(student): _way(points, group) for student, points in rows.groupby("student", sort=False)}
            if group == "id" or not any(curves.values()):
                continue
            yield line_plot(
                curves,
                name=plot_name("interpolation", group, model, "exam", str(exam)[:SHORT]),
                title=f"From the base model to each student, {named}: {model}",
                x_name="percent right on ID",
                y_name=f"percent right on {named}",
                caption=(
                    "Each point is a student whose weights lie part of the way from the base model's to the trained "
                    "ones; the curve begins at the base model. curves.csv has n, seeds and intervals.",
                ),
            )


def _way(points: pd.DataFrame, group: str) -> Curve:
    """Percent in distribution and in a group, in the order of `a`."""
    wide = points.pivot_table(index="a", columns="group", values="score", sort=True)
    return _curve(wide * POINTS, "id", group)


def _read(path: Path, columns: Sequence[Column]) -> pd.DataFrame:
    """Empty where there is no such table.

    Raises:
        ValueError: text where numbers belong.
    """
    try:
        table = from_csv(path, columns)
    except ValueError:
        return pd.DataFrame(columns=fields(columns))
    for column in columns:
        if column.kind == "number" and len(table) and not pd.api.types.is_numeric_dtype(table[column.name]):
            msg = (
                f"{path.name}: expected numbers in column {column.name!r}, got text; write the file again with the "
                "command that makes it, or move it away"
            )
            raise ValueError(msg)
    return table


def _first(table: pd.DataFrame, by: list[str]) -> list[tuple[tuple[Any, ...], pd.DataFrame]]:
    if table.empty:
        return []
    return [(key, rows) for _, (key, rows) in zip(range(MOST), table.groupby(by, sort=False), strict=False)]


def _curve(rows: pd.DataFrame, x: str, y: str) -> Curve:
    """Points in order; nothing where a column is missing."""
    if not {x, y} <= set(rows.columns):
        return []
    return [(float(row[x]), float(row[y])) for row in Rows(rows)]
