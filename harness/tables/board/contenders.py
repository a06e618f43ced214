"""Who stands beside whom in a picture: pooled rows on the same documents, each under a name of its own."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pandas as pd

from offbook.engine.counted import counted
from offbook.harness.records.student import UNTOUCHED
from offbook.harness.tables.board.plot_names import plot_name
from offbook.harness.tables.dimensions import ALL_SUITES
from offbook.harness.tables.labels import decoder_of, student_of
from offbook.harness.tables.ranks import LIKE, doubt, fastest_first
from offbook.harness.tables.rows import Row, Rows
from offbook.harness.tables.settings_in_words import told_apart

OF_STUDENT = ("student", "training_seed")
TELLING = ("layout", "decoder_options", "tuning", "drafter_sha256", "key")  # what tells rows of one name apart
HASHES = ("drafter_sha256", "key")
SHORT, OF_HASH = 24, 8  # characters of it
ORDINARY = {"revision": "", "dtype": "float32", "chat_template": True, "top_k": 0, "top_p": 1.0, "seed": 0}


class Group(NamedTuple):
    """Pooled rows on the same documents.

    Attributes:
        title: of what model, at what temperature, over what.
        name: the same for the names of pictures; it hangs on these rows alone.
        rows: the fastest first, where they have a speed-up.
        labels: a row each, no two alike; of one whose output is changed, or not tested, that too.
    """

    title: str
    name: str
    rows: list[Row]
    labels: list[str]

    @property
    def over(self) -> str:
        """How many documents, and what intervals take for independent."""
        row = self.rows[0]
        alike = "" if row["n_clusters"] == row["n_docs"] else f" in {row['n_clusters']} clusters of like ones"
        return f"n = {counted(row['n_docs'], 'document')}{alike}, {counted(row['n_suites'], 'suite')}"


def groups(table: pd.DataFrame, *, students_apart: bool = True) -> Iterator[Group]:
    """Those of the leaderboard with at least two rows, most documents first.

    Args:
        table: the leaderboard.
        students_apart: whether a group has one student only, as it must where seconds are compared.
    """
    pooled = table[table["suite"] == ALL_SUITES]
    if pooled.empty:
        return
    alike = [name for name in LIKE if students_apart or name not in OF_STUDENT]
    found = [rows for _, rows in pooled.groupby(alike, sort=False, dropna=False) if len(rows) > 1]
    told = [name for name in alike if name not in OF_STUDENT and pooled[name].nunique(dropna=False) > 1]
    for rows in sorted(found, key=lambda rows: -int(rows["n_docs"].iloc[0])):
        lines = list(Rows(fastest_first(rows)))
        names = [decoder_of(row) for row in lines]
        if any(row["student"] != UNTOUCHED for row in lines) and not students_apart:
            names = [f"{decoder_of(row)} on {student_of(row)}" for row in lines]
        apart = labels(lines, [_with_doubt(row, name) for row, name in zip(lines, names, strict=True)])
        yield Group(_title(lines[0], told, students_apart), _name(lines[0], alike), lines, apart)


def _with_doubt(row: Row, name: str) -> str:
    return f"{name} ({told})" if (told := doubt(row)) else name


def labels(rows: Sequence[Row], names: Sequence[str]) -> list[str]:
    """Names that differ: where some are alike, what tells their rows apart is added."""
    found = list(names)
    for field in TELLING:
        often = Counter(found)
        if len(often) == len(found):
            break
        values = [_telling(row, field, rows, found, name) for row, name in zip(rows, found, strict=True)]
        found = [
            f"{name}, {value}" if often[name] > 1 and value else name for name, value in zip(found, values, strict=True)
        ]
    return found


def _telling(row: Row, field: str, rows: Sequence[Row], names: Sequence[str], name: str) -> str:
    """What a field tells of a row among those of its name, cut; of options those that differ there, whole."""
    same = [other for other, theirs in zip(rows, names, strict=True) if theirs == name]
    if len({str(other[field]) for other in same}) == 1:
        return ""
    if field != "decoder_options":
        return str(row[field])[: OF_HASH if field in HASHES else SHORT]
    told = told_apart(row[field], [other[field] for other in same])
    return str(told)[:SHORT] if told == row[field] else told  # as somebody else has written them


def _title(row: Row, told: Sequence[str], students_apart: bool) -> str:
    model = f"{row['model']}, {student_of(row)}" if students_apart else f"{row['model']}"
    parts = [model, f"temperature {row['temperature']:g}", counted(row["n_docs"], "document")]
    named = [name for name in told if name not in ("model", "temperature", "n_docs") and row[name] != ""]
    return ", ".join([*parts, *(_said(name, row[name]) for name in named)])


def _said(name: str, value: Any) -> str:
    return counted(value, "suite") if name == "n_suites" else f"{name.replace('_', ' ')} {value}"


def _name(row: Row, alike: Sequence[str]) -> str:
    """Of all that these rows share, without what is as it mostly is."""
    student = student_of(row) if "student" in alike and row["student"] != UNTOUCHED else ""
    over = (f"t{row['temperature']:g}", counted(row["n_suites"], "suite"), counted(row["n_docs"], "document"))
    rest = [f"{name} {row[name]}" for name, usual in ORDINARY.items() if row[name] != usual and row[name] == row[name]]
    return plot_name(row["model"], student, *over, *rest)
