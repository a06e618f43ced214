"""The verdict on one row of a table and the row that a rerun has in its place.

A student that was trained in another mixed precision, or in one that is not known, is another training, and intervals
over prompts or over one seed say nothing about that: numbers of its rows that lie apart are "not comparable".
"""

import math
from collections.abc import Sequence

from offbook.harness.records.student import UNTOUCHED
from offbook.harness.tables.columns import Column
from offbook.harness.tables.rows import Row

IDENTICAL = "reproduced (identical)"
REPRODUCED = "reproduced"
DIFFERS = "differs"
NOT_COMPARABLE = "not comparable"
VERDICTS = (IDENTICAL, REPRODUCED, DIFFERS, NOT_COMPARABLE)


def judge(columns: Sequence[Column], trained_in: str, old: Row, new: Row) -> tuple[str, str]:
    """The worst verdict on any column that a rerun must show, with the reasons for it.

    Args:
        columns: the table's description.
        trained_in: the column with the mixed precision of a student's training.
        old: the committed row.
        new: the fresh one.
    """
    found = []
    for column in columns:
        if column.rerun == "interval" and column.rerun_for(old):
            found.append((column.name, *_number(column.name, trained_in, old, new)))
        elif column.rerun == "test" and column.rerun_for(old):
            found.append((column.name, *_test(str(old[column.name]), str(new[column.name]))))
    for verdict in (DIFFERS, NOT_COMPARABLE, REPRODUCED):
        reasons = [f"{name.replace('_', ' ')}: {reason}" for name, judged, reason in found if judged == verdict]
        if reasons:
            return verdict, "; ".join(reasons)
    return IDENTICAL, f"{', '.join(name.replace('_', ' ') for name, *_ in found)} equal"


def precision(row: Row, trained_in: str) -> str:
    """The mixed precision in which a row's student was trained; "none" for the untouched model."""
    if row["method"] == UNTOUCHED:
        return "none"
    return str(row[trained_in]) or "not known"


def _number(name: str, trained_in: str, old: Row, new: Row) -> tuple[str, str]:
    was, now = float(old[name]), float(new[name])
    if math.isnan(was) != math.isnan(now):
        return DIFFERS, "there on one side only"
    if math.isnan(was) or math.isclose(was, now, rel_tol=1e-12, abs_tol=1e-12):
        return IDENTICAL, ""
    (a, b), (c, d) = _range(old, name), _range(new, name)
    values = f"{was:.4g} [{a:.4g}, {b:.4g}] became {now:.4g} [{c:.4g}, {d:.4g}]"
    if max(a, c) <= min(b, d):
        return REPRODUCED, f"intervals overlap, {values}"
    reason = f"intervals apart, {values}"
    before, after = (precision(row, trained_in) for row in (old, new))
    if before == after:
        return DIFFERS, reason
    reason = f"{reason}, trained in mixed precision {before} and {after}"
    if all(row.get("seeds", 1) > 1 and not math.isnan(float(row[f"{name}_low"])) for row in (old, new)):
        return DIFFERS, reason
    return NOT_COMPARABLE, f"{reason}; over one seed, intervals say nothing about another training"


def _range(row: Row, name: str) -> tuple[float, float]:
    """The interval, or the bare value where the table could give none."""
    low, high = float(row[f"{name}_low"]), float(row[f"{name}_high"])
    return (float(row[name]),) * 2 if math.isnan(low) or math.isnan(high) else (low, high)


def _test(was: str, now: str) -> tuple[str, str]:
    """Two certificates in words."""
    if was == now:
        return IDENTICAL, ""
    change = f"{was!r} became {now!r}"
    if was.split(" ")[0] == now.split(" ")[0] and not now.startswith("DIFFERS"):
        return REPRODUCED, f"lossless by the same test, {change}"
    return DIFFERS, change
