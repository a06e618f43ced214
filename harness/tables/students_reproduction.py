"""Holds fresh students against committed ones: what a reader who trains them again wants to know.

Accuracy and its change to the untouched model must be equal ("reproduced (identical)"), or, as a training adds up its
last bits differently on every processor, their 95 % intervals must overlap ("reproduced"). Anything else "differs".
Only rows of equal settings, seeds, corpus and documents are held against each other. Tokens and seconds stand side by
side, unjudged.

Mixed precision is no such setting: it may be left to the machine. Rows of another precision are judged by intervals as
all others are, where these speak of another training at all; that of a single seed does not, so values that lie apart
are then "not comparable", never "differs".
"""

import math
from pathlib import Path
from typing import Any

import pandas as pd

from offbook.harness.tables.reproduction import (
    DIFFERS,
    IDENTICAL,
    NOT_COMPARABLE,
    REPRODUCED,
    Comparison,
    Row,
    by_intervals,
)

IDENTITY = ["model", "student", "group", "suite"]

_JUDGED = ("accuracy", "change")
_UNJUDGED = ("gradient_tokens", "train_s")


def compare_students(fresh: pd.DataFrame, committed: pd.DataFrame) -> Comparison:
    """Judges each committed row by the fresh row of the same setting; rows on one side only are named.

    Raises:
        ValueError: a table without the columns of `harness.tables.students`.
    """
    bounds = [f"{name}{end}" for name in _JUDGED for end in ("", "_low", "_high")]
    for name, table in (("fresh", fresh), ("committed", committed)):
        needed = (*IDENTITY, "seeds", "setting", *bounds, *_UNJUDGED)
        missing = [column for column in needed if column not in table.columns]
        if missing:
            message = f"{name} students: expected column {missing[0]!r}, got none; write them with `offbook report`"
            raise ValueError(message)
    news, olds = fresh.to_dict("records"), committed.to_dict("records")
    by_setting: dict[str, list[Row]] = {}
    for row in news:
        by_setting.setdefault(row["setting"], []).append(row)
    identities, old_settings = {_identity(row) for row in news}, {row["setting"] for row in olds}
    unmatched = {_identity(row) for row in olds if row["setting"] not in by_setting}
    lines = []
    for old in olds:
        found = sorted(by_setting.get(old["setting"], []), key=lambda new: _precision(new) != _precision(old))
        if found:
            new = found[0]  # of several, that of the same precision
            lines.append(_line(old, new, *_judge(old, new)))
        elif _identity(old) in identities:
            reason = f"settings, seeds, corpus or documents are others (setting {old['setting'][:12]} is not there)"
            lines.append(_line(old, None, NOT_COMPARABLE, reason))
        else:
            lines.append(_line(old, None, NOT_COMPARABLE, "missing in the fresh students"))
    lines += [
        _line(None, new, NOT_COMPARABLE, "missing in the committed students")
        for new in news
        if new["setting"] not in old_settings and _identity(new) not in unmatched
    ]
    verdicts = [line["verdict"] for line in lines]
    counts = {verdict: verdicts.count(verdict) for verdict in (IDENTICAL, REPRODUCED, DIFFERS, NOT_COMPARABLE)}
    values = [f"{name}_{which}" for name in (*_JUDGED, *_UNJUDGED) for which in ("committed", "fresh")]
    return Comparison(table=pd.DataFrame(lines, columns=[*IDENTITY, "verdict", "reason", *values]), counts=counts)


def read_students(path: Path) -> pd.DataFrame:
    """A students.csv as `harness.tables.students_markdown` wrote it.

    Raises:
        ValueError: no such file, or no table in it.
    """
    texts = (
        *("model", "student", "method", "group", "suite", "origin", "metric", "mixed_precision"),
        *("corpus", "exam", "setting"),
    )
    try:
        table = pd.read_csv(path, dtype=dict.fromkeys(texts, str))
    except (FileNotFoundError, pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        message = f"{path.name}: expected a students.csv, got {type(error).__name__}; write one with `offbook report`"
        raise ValueError(message) from error
    return table.assign(**{name: table[name].fillna("") for name in texts if name in table.columns})


def _judge(old: Row, new: Row) -> tuple[str, str]:
    judged = [*_JUDGED, *(name for name in ("score",) if name in old and name in new)]
    found = [(name, *_number(old, new, name)) for name in judged]
    for verdict in (DIFFERS, NOT_COMPARABLE, REPRODUCED):
        reasons = [f"{name}: {reason}" for name, judged, reason in found if judged == verdict]
        if reasons:
            return verdict, "; ".join(reasons)
    return IDENTICAL, "accuracy and change are equal"


def _number(old: Row, new: Row, name: str) -> tuple[str, str]:
    was, now = float(old[name]), float(new[name])
    if math.isnan(was) != math.isnan(now):
        return DIFFERS, "the untouched model is there on one side only"
    if math.isnan(was) or math.isclose(was, now, rel_tol=1e-12, abs_tol=1e-12):
        return IDENTICAL, ""
    verdict, reason = by_intervals(old, new, name)
    precisions = _precision(old), _precision(new)
    if verdict != DIFFERS or precisions[0] == precisions[1]:
        return verdict, reason
    reason = f"{reason}, in mixed precision {precisions[0]} and {precisions[1]}"
    if all(row["seeds"] > 1 and not math.isnan(float(row[f"{name}_low"])) for row in (old, new)):
        return DIFFERS, reason
    return NOT_COMPARABLE, f"{reason}; over one seed, intervals say nothing about another training"


def _precision(row: Row) -> str:
    """What its students were trained in; "unknown" in tables that do not say so, "none" for the untouched model."""
    return str(row.get("mixed_precision", "unknown")) or "none"


def _identity(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in IDENTITY)


def _line(old: Row | None, new: Row | None, verdict: str, reason: str) -> Row:
    present = old or new
    assert present is not None
    line = {name: present[name] for name in IDENTITY} | {"verdict": verdict, "reason": reason}
    for name in (*_JUDGED, *_UNJUDGED):
        line[f"{name}_committed"] = old[name] if old else math.nan
        line[f"{name}_fresh"] = new[name] if new else math.nan
    return line
