"""Pictures of students: what a training changed in distribution and out of it, and both against each other."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pandas as pd

from offbook.harness.tables.board.interval_plot import Bar, interval_plot
from offbook.harness.tables.board.plot import Plot
from offbook.harness.tables.board.plot_names import plot_name
from offbook.harness.tables.board.scatter_plot import NONE, Limit, Point, Span, scatter_plot
from offbook.harness.tables.dimensions import ALL_SUITES
from offbook.harness.tables.rows import Row, Rows
from offbook.harness.tables.students_columns import GROUPS

COHORT = ("model", "corpus", "budget", "exam")
MOST = 12  # cohorts
SHORT = 12  # characters of a hash
POINTS = 100  # of one share
METHOD = (
    "Bars: 95 % intervals by Student's t over items (clusters of like ones), and over seeds where there are several"
)


def change_plots(table: pd.DataFrame) -> Iterator[Plot]:
    """Points of accuracy that each student gained over the untouched model, a picture a cohort and group."""
    for _, cohort in zip(range(MOST), _cohorts(table), strict=False):
        for group, named in GROUPS.items():
            of_group = [row for row in cohort.rows if row["group"] == group and math.isfinite(row["change"])]
            if of_group:
                yield interval_plot(
                    [_bar(row) for row in of_group],
                    name=plot_name("change", group, cohort.name),
                    title=f"{named}, points over the untouched model: {cohort.title}",
                    at=0,
                    caption=(
                        f"Points: accuracy minus that of the untouched model on the same {of_group[0]['n_items']} items"
                        f"{'; below 0 is forgetting' if group != 'id' else ''}.",
                        f"{METHOD}; seeds: {', '.join(sorted({str(row['seeds']) for row in of_group}))}.",
                    ),
                    digits=1,
                )


def forgetting_plots(table: pd.DataFrame) -> Iterator[Plot]:
    """What was gained in distribution against what it cost elsewhere, a picture a cohort and other group."""
    for _, cohort in zip(range(MOST), _cohorts(table), strict=False):
        inside = {row["label"]: row for row in cohort.rows if row["group"] == "id"}
        for group, named in GROUPS.items():
            points = [
                Point(
                    label=row["label"],
                    x=POINTS * inside[row["label"]]["change"],
                    y=POINTS * row["change"],
                    x_span=_span(inside[row["label"]]),
                    y_span=_span(row),
                )
                for row in cohort.rows
                if row["group"] == group != "id" and row["label"] in inside
            ]
            points = [point for point in points if math.isfinite(point.x + point.y)]
            if points:
                yield scatter_plot(
                    points,
                    name=plot_name("forgetting", group, cohort.name),
                    title=f"{named} against ID: {cohort.title}",
                    x_name="points on ID",
                    y_name=f"points on {named}",
                    caption=(
                        "Points of accuracy over the untouched model, which stands where the dashed lines cross. Below "
                        "the level line is forgetting.",
                        "Whiskers: 95 % intervals as in the tables.",
                    ),
                    named=points,
                    x_limits=(Limit(label="", at=0.0),),
                    y_limits=(Limit(label="untouched model", at=0.0),),
                    digits=(1, 1),
                )


class _Cohort(NamedTuple):
    """Pooled rows of trained students that may be compared, and what pictures of them are called."""

    title: str
    name: str
    rows: list[Row]


def _cohorts(table: pd.DataFrame) -> Iterator[_Cohort]:
    pooled = table[(table["suite"] == ALL_SUITES) & (table["corpus"] != "")]
    if pooled.empty:
        return
    for _, rows in pooled.groupby([*COHORT], sort=False, dropna=False):
        lines = list(Rows(rows))
        model, corpus, exam = (str(lines[0][name]) for name in ("model", "corpus", "exam"))
        budget = _tokens(lines).replace(",", "")
        yield _Cohort(
            title=f"{model}, corpus {corpus[:SHORT]}, {_tokens(lines)}",
            name=plot_name(model, "corpus", corpus[:SHORT], budget, "exam", exam[:SHORT]),
            rows=lines,
        )


def _tokens(rows: Sequence[Row]) -> str:
    budget = rows[0]["budget"]
    return f"{budget:,.0f} gradient tokens" if math.isfinite(budget) else "budget unknown"


def _bar(row: Row) -> Bar:
    low, high = _span(row)
    return Bar(label=row["label"], value=POINTS * row["change"], low=low, high=high)


def _span(row: Row) -> Span:
    span = (POINTS * row["change_low"], POINTS * row["change_high"])
    return span if all(map(math.isfinite, span)) else NONE
