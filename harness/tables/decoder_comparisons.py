"""Every two decoders of the same heats, compared document by document: a pure function of records.

Two questions, each with its p-values and its correction (Holm) over all pairs of decoders that share their heats:
whether one accepts more tokens a forward, and whether one is faster. Both are asked of ratios of sums, over all suites,
paired by document (`statistics.swaps`). Only decoders that say what the target says take part, and only over so many
documents that an answer may be had.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import pandas as pd

from offbook.harness.records.cell import Cell
from offbook.harness.statistics.crossed import ALPHA, holm
from offbook.harness.tables.columns import fields
from offbook.harness.tables.decoder_comparisons_columns import COLUMNS, MEASURED, PLACE
from offbook.harness.tables.paired_decoders import FACTS, LEAST, Measured, compared
from offbook.harness.tables.rows import Row
from offbook.harness.tables.settings_in_words import cell_in_words, told_apart
from offbook.harness.tables.told import Cells, Told, by_contender

TIE = "tie"
ACCEPTS, SPEED = ("more", "fewer"), ("faster", "slower")

_FOUND = (*fields(PLACE), *fields(MEASURED), *(f"{fact}_{side}" for side in "ab" for fact in FACTS))


def decoder_comparisons(cells: Sequence[Cell]) -> pd.DataFrame:
    """A row for each two decoders of the same heats, a against b."""
    return comparisons_of(Cells.of(cells))


def comparisons_of(cells: Cells) -> pd.DataFrame:
    """The same."""
    cohorts: dict[tuple[tuple[str, str], ...], list[list[Told]]] = {}
    for contender in sorted(by_contender(cells).values(), key=lambda them: (them[0].decoder, them[0].contender)):
        members = sorted(contender, key=lambda cell: cell.suite)
        if all(cell.exact for cell in members) and sum(cell.n_docs for cell in members) >= LEAST:
            cohorts.setdefault(tuple((cell.suite, cell.heat_id) for cell in members), []).append(members)
    families = [_family(cells, contenders) for contenders in cohorts.values() if len(contenders) > 1]
    families.sort(key=_place_of)
    return pd.DataFrame([line for family in families for line in family], columns=fields(COLUMNS))


def _family(cells: Cells, contenders: Sequence[Sequence[Told]]) -> list[dict[str, Any]]:
    """All pairs of some decoders, judged together."""
    read: dict[int, Measured] = {}

    def measured(number: int) -> Measured:
        if number not in read:
            read[number] = Measured.of([cell.read() for cell in contenders[number]])
        return read[number]

    lines = []
    for one, other in combinations(range(len(contenders)), 2):

        def make(one: int = one, other: int = other) -> Row:
            a, b = measured(one), measured(other)
            return {**a.place, **compared(a, b), **a.facts("a"), **b.facts("b")}

        values = cells.row("comparison of decoders", [*contenders[one], *contenders[other]], _FOUND, make)
        lines.append(dict(zip(_FOUND, values, strict=True)))
    labels = _labels([{fact: line[f"{fact}_{side}"] for fact in FACTS} for line in lines for side in "ab"])
    for line in lines:
        line |= {"family": len(lines), "a": labels[line["key_a"]], "b": labels[line["key_b"]]}
    _judge(lines, "acceptance", "accepts", ACCEPTS, lambda line: line["acceptance_difference"] > 0)
    _judge(lines, "speed", "speed", SPEED, lambda line: line["speed_ratio"] > 1)
    return lines


def _judge(
    lines: Sequence[dict[str, Any]], of: str, name: str, words: tuple[str, str], better: Callable[[Row], bool]
) -> None:
    """Adds Holm's correction over all lines, and a word for what it leaves."""
    for line, p in zip(lines, holm([line[f"p_{of}"] for line in lines]), strict=True):
        line |= {f"p_{of}_corrected": p, name: TIE if p > ALPHA else words[0] if better(line) else words[1]}


def _labels(sides: Sequence[Row]) -> dict[str, str]:
    """What tells each decoder of a family from the others, by its key."""
    known = {side["key"]: side for side in sides}
    layouts = {side["layout"] for side in known.values()}
    found = {}
    for key, side in known.items():
        same = [one for one in known.values() if all(one[name] == side[name] for name in ("decoder", "variant"))]
        options = told_apart(side["options"], [one["options"] for one in same])
        parts = [", ".join(filter(None, (side["decoder"], cell_in_words(side["variant"]), options)))]
        parts += [side[name] for name in ("tuned", "drafter") if len({one[name] for one in same}) > 1]
        parts += [f"on {side['layout']}"] * (len(layouts) > 1)
        found[key] = " ".join(filter(None, parts))
    count = Counter(found.values())
    return {key: label if count[label] == 1 else f"{label} ({key[:8]})" for key, label in found.items()}


def _place_of(family: Sequence[Row]) -> tuple[Any, ...]:
    """Where its lines stand among those of others."""
    first = family[0]
    return (first["temperature"], *(str(first[name]) for name in fields(PLACE)), -first["n_docs"], first["key_a"])
