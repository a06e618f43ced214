"""Two sides compared: every pair of them line by line, and in what settings, machine and code differ.

compare(side(A), side(B)) is a pure function of records; `offbook compare` prints it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from offbook.engine.quoting import quoted_path, shortened
from offbook.harness.records.manifest import machine_lines
from offbook.harness.tables.cohorts import Examinee
from offbook.harness.tables.columns import Table, fields
from offbook.harness.tables.compared_columns import LINES, SETTINGS
from offbook.harness.tables.compared_lines import judged, of_decoders, of_students
from offbook.harness.tables.compared_pairs import Contender, Pairs, contenders, students
from offbook.harness.tables.compared_settings import machines, settings_of_decoders, settings_of_students
from offbook.harness.tables.compared_sides import Side

Decoders = tuple[Contender, Contender]
Students = tuple[Examinee, Examinee]


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What came of it.

    Attributes:
        lines: a row a pair and quantity.
        settings: a row each thing in which the sides differ.
        machines: those of A and of B, a line each.
        left: who stands on one side alone, or shares no documents, a sentence each.
    """

    lines: Table
    settings: Table
    machines: tuple[tuple[str, ...], tuple[str, ...]]
    left: tuple[str, ...]


def compare(a: Side, b: Side) -> Compared:
    """A against B, document by document.

    Raises:
        ValueError: nothing in the two can be compared; or seeds of one student that answered other documents.
    """
    decoders, taught = contenders(a, b), students(a, b)
    lines, pairs, sat = list[dict[str, Any]](), list[Decoders](), list[Students]()
    for pair in decoders.matched:
        if found := [*of_decoders(*pair)]:
            lines += found
            pairs.append(pair)
    for two in taught.matched:
        if found := [*of_students(*two)]:
            lines += found
            sat.append(two)
    if not lines:
        raise ValueError(_refusal(a, b, decoders, taught))
    left = [
        *_left(decoders, [id(who) for pair in pairs for who in pair]),
        *_left(taught, [id(who) for two in sat for who in two]),
    ]
    settings = [
        *settings_of_decoders(pairs),
        *settings_of_students([(one.label, other.label, one.spec, other.spec) for one, other in sat]),
        *machines(_manifests(pairs, sat, 0), _manifests(pairs, sat, 1)),
    ]
    return Compared(
        lines=Table(columns=LINES, rows=pd.DataFrame(judged(lines), columns=fields(LINES))),
        settings=Table(columns=SETTINGS, rows=pd.DataFrame(settings, columns=fields(SETTINGS))),
        machines=(
            tuple(machine_lines(_manifests(pairs, sat, 0))),
            tuple(machine_lines(_manifests(pairs, sat, 1))),
        ),
        left=tuple(left),
    )


def _manifests(pairs: Sequence[Decoders], sat: Sequence[Students], place: int) -> list[Mapping[str, Any]]:
    """Those of all records of one side that were compared."""
    return [
        *(cell.record.manifest for pair in pairs for cell in pair[place].cells),
        *(exam.record.manifest for two in sat for exam in two[place].exams),
    ]


def _left(pairs: Pairs[Any], compared: Iterable[int]) -> list[str]:
    """Sentences on those who were not compared."""
    there = {*compared}
    strangers = [(a, b) for a, b in pairs.matched if not {id(a), id(b)} <= there]
    return [
        *(f"{a.label}: no documents that both sides were asked in the same way" for a, _ in strangers),
        *(f"{who.label}: on side A alone" for who in pairs.left_a),
        *(f"{who.label}: on side B alone" for who in pairs.left_b),
    ]


def _refusal(a: Side, b: Side, decoders: Pairs[Contender], taught: Pairs[Examinee]) -> str:
    expected = f"{quoted_path(a.name)} and {quoted_path(b.name)}: expected"
    if decoders.matched or taught.matched:
        return (
            f"{expected} documents that both were asked in the same way, found none: other suites, or other versions "
            "of them; run both on the same suites"
        )
    if a.single and b.single:
        kinds = ("a decoder's", "an exam's") if a.cells else ("an exam's", "a decoder's")
        return f"{expected} two decoders' records or two exams', got {kinds[0]} and {kinds[1]}; choose two of a kind"
    return (
        f"{expected} a decoder or a student that is in both, got {_names(a)}, and {_names(b)}; name two records to "
        "compare others, `offbook ls FOLDER` lists them"
    )


def _names(side: Side) -> str:
    """Who is on a side, in few words."""
    names = [cell.record.spec.decoder for cell in side.cells] + [exam.record.spec.student.name for exam in side.exams]
    return shortened(", ".join(dict.fromkeys(names)) or "nobody")
