"""Holds a fresh leaderboard against a committed one: what a reader who reruns the benchmark wants to know.

Counts carry over between machines: acceptance length, scores at temperature 0 and losslessness must be equal
("reproduced (identical)"), or, where the last bits of a float differ between processors, their 95 % intervals must
overlap ("reproduced"). Anything else "differs". Seconds do not carry over; speeds stand side by side, unjudged.

A student that was trained in another mixed precision, or in one that is not known, is another training, and intervals
over prompts say nothing about that: numbers of its rows that lie apart are "not comparable".
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from offbook.harness.records.student import UNTOUCHED

IDENTITY = ["model", "training", "decoder", "suite", "temperature", "seed"]
IDENTICAL = "reproduced (identical)"
REPRODUCED = "reproduced"
DIFFERS = "differs"
NOT_COMPARABLE = "not comparable"

Row = dict[Any, Any]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The verdict on every row, and how many rows got each verdict."""

    table: pd.DataFrame
    counts: dict[str, int]

    @property
    def holds(self) -> bool:
        """Whether something could be compared and nothing differs."""
        return self.counts[DIFFERS] == 0 and self.counts[IDENTICAL] + self.counts[REPRODUCED] > 0


def compare(fresh: pd.DataFrame, committed: pd.DataFrame) -> Comparison:
    """Judges each committed row by the fresh row of the same setting; rows on one side only are named.

    Raises:
        ValueError: a table without the leaderboard's columns.
    """
    needed = [*IDENTITY, "setting", "acceptance_length", "accuracy", "losslessness", "tokens_per_s", "speedup"]
    for name, table in (("fresh", fresh), ("committed", committed)):
        missing = [column for column in needed if column not in table.columns]
        if missing:
            message = f"{name} leaderboard: expected column {missing[0]!r}, got none; write it with `offbook report`"
            raise ValueError(message)
    news, olds = fresh.to_dict("records"), committed.to_dict("records")
    by_setting = {row["setting"]: row for row in news}
    identities = {_identity(row) for row in news}
    old_identities = {_identity(row) for row in olds}
    lines = []
    for old in olds:
        new = by_setting.get(old["setting"])
        if new is not None:
            lines.append(_line(old, new, *_judge(old, new)))
        elif _identity(old) in identities:
            other = "other suites are pooled" if old["suite"] == "all" else "the specification is another one"
            lines.append(
                _line(old, None, NOT_COMPARABLE, f"{other} (setting {old['setting'][:12]} is not in the fresh run)")
            )
        else:
            lines.append(_line(old, None, NOT_COMPARABLE, "missing in the fresh leaderboard"))
    lines += [
        _line(None, new, NOT_COMPARABLE, "missing in the committed leaderboard")
        for new in news
        if _identity(new) not in old_identities
    ]
    verdicts = [line["verdict"] for line in lines]
    counts = {verdict: verdicts.count(verdict) for verdict in (IDENTICAL, REPRODUCED, DIFFERS, NOT_COMPARABLE)}
    columns = [*IDENTITY, "verdict", "reason", *(f"{n}_{w}" for n in _SPEEDS for w in ("committed", "fresh"))]
    return Comparison(table=pd.DataFrame(lines, columns=columns), counts=counts)


def read_leaderboard(path: Path) -> pd.DataFrame:
    """A leaderboard.csv as `harness.tables.decoders` wrote it.

    Raises:
        ValueError: no such file, or no table in it.
    """
    try:
        return pd.read_csv(
            path, dtype={"setting": str, "key": str, "heat_id": str, "trained_in": str}, keep_default_na=True
        )
    except (FileNotFoundError, pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        message = (
            f"{path.name}: expected a leaderboard.csv, got {type(error).__name__}; write one with `offbook report`"
        )
        raise ValueError(message) from error


_SPEEDS = ("tokens_per_s", "speedup")


def _judge(old: Row, new: Row) -> tuple[str, str]:
    checks = [("acceptance length", _number(old, new, "acceptance_length")), ("losslessness", _lossless(old, new))]
    if old["temperature"] == 0:
        checks += [(name, _number(old, new, name)) for name in ("accuracy", "score") if name in old and name in new]
    differing = [f"{name}: {reason}" for name, (verdict, reason) in checks if verdict == DIFFERS]
    if differing:
        return DIFFERS, "; ".join(differing)
    open_ = [f"{name}: {reason}" for name, (verdict, reason) in checks if verdict == NOT_COMPARABLE]
    if open_:
        return NOT_COMPARABLE, "; ".join(open_)
    moved = [f"{name}: {reason}" for name, (verdict, reason) in checks if verdict == REPRODUCED]
    return (REPRODUCED, "; ".join(moved)) if moved else (IDENTICAL, "counts are equal")


def _number(old: Row, new: Row, name: str) -> tuple[str, str]:
    was, now = float(old[name]), float(new[name])
    if was == now or (math.isnan(was) and math.isnan(now)) or math.isclose(was, now, rel_tol=1e-12):
        return IDENTICAL, ""
    verdict, reason = by_intervals(old, new, name)
    if verdict == DIFFERS and _trained_in(old) != _trained_in(new):
        return NOT_COMPARABLE, f"{reason}; the student was trained in {_trained_in(old)} and in {_trained_in(new)}"
    return verdict, reason


def _trained_in(row: Row) -> str:
    if row["training"] == UNTOUCHED:
        return ""
    found = row.get("trained_in")
    return found if isinstance(found, str) and found else "a precision that is not known"


def by_intervals(old: Row, new: Row, name: str) -> tuple[str, str]:
    """The verdict on two values that are not equal, and the reason: whether their intervals overlap."""
    (a, b), (c, d) = _range(old, name), _range(new, name)
    values = f"{float(old[name]):.4g} [{a:.4g}, {b:.4g}] became {float(new[name]):.4g} [{c:.4g}, {d:.4g}]"
    if max(a, c) <= min(b, d):
        return REPRODUCED, f"intervals overlap, {values}"
    return DIFFERS, f"intervals apart, {values}"


def _range(row: Row, name: str) -> tuple[float, float]:
    """The interval, or the bare value where the table could give none."""
    low, high = float(row.get(f"{name}_low", math.nan)), float(row.get(f"{name}_high", math.nan))
    return (float(row[name]),) * 2 if math.isnan(low) or math.isnan(high) else (low, high)


def _lossless(old: Row, new: Row) -> tuple[str, str]:
    was, now = str(old["losslessness"]), str(new["losslessness"])
    if was == now:
        return IDENTICAL, ""
    same_test = was.split(" ")[0] == now.split(" ")[0]
    change = f"{was!r} became {now!r}"
    if same_test and not now.startswith("DIFFERS"):
        return REPRODUCED, f"lossless by the same test, {change}"
    return DIFFERS, change


def _identity(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in IDENTITY)


def _line(old: Row | None, new: Row | None, verdict: str, reason: str) -> Row:
    present = old or new
    assert present is not None
    line = {name: present[name] for name in IDENTITY} | {"verdict": verdict, "reason": reason}
    for name in _SPEEDS:
        line[f"{name}_committed"] = old[name] if old else math.nan
        line[f"{name}_fresh"] = new[name] if new else math.nan
    return line
