"""Every two decoders of the same heats, compared document by document: a pure function of records.

Two questions, each with its p-values and its correction (Holm) over all pairs of decoders that share their heats:
whether one accepts more tokens a forward, and whether one is faster. Both are asked of ratios of sums, over all suites,
paired by document (`statistics.swaps`). Only decoders that say what the target says take part, and only over so many
documents that an answer may be had.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pandas as pd

from offbook.harness.records.cell import Cell, CellSpec
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.statistics.crossed import ALPHA, holm
from offbook.harness.statistics.intervals import bootstrap_difference, bootstrap_speedup
from offbook.harness.statistics.swaps import swap_test
from offbook.harness.tables.columns import fields
from offbook.harness.tables.decoder_comparisons_columns import COLUMNS, MEASURED, PLACE
from offbook.harness.tables.decoders_speed import bounds, clusters_of
from offbook.harness.tables.dimensions import as_json
from offbook.harness.tables.labels import decoder_label
from offbook.harness.tables.rows import Row
from offbook.harness.tables.told import Cells, Told, by_contender

LEAST = 40  # documents, over which a pair is judged
TIE = "tie"
ACCEPTS, SPEED = ("more", "fewer"), ("faster", "slower")

_FACTS = ("decoder", "variant", "options", "layout", "tuned", "key")  # of a side, of which its label is made
_FOUND = (*fields(PLACE), *fields(MEASURED), *(f"{fact}_{side}" for side in "ab" for fact in _FACTS))
Amounts = tuple[Sequence[float], Sequence[float]]  # numerators and denominators, a document each


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


@dataclass(frozen=True, kw_only=True)
class _Measured:
    """What a decoder took for each document of its suites, in the order of both."""

    spec: CellSpec
    key: str
    documents: Sequence[tuple[str, int]]
    clusters: Sequence[str]
    accepted: Amounts
    speed: Amounts

    @classmethod
    def of(cls, cells: Sequence[Cell]) -> "_Measured":
        """Of its cells, a suite each."""
        found = [
            ((cell.record.spec.suite, row.doc_id), cluster, generation)
            for cell in cells
            for row, cluster, generation in zip(cell.rows, clusters_of(cell), cell.generations, strict=True)
        ]
        found.sort(key=lambda one: one[0])
        generations = [generation for *_, generation in found]
        keys = sorted(cell.record.key for cell in cells)
        return cls(
            spec=cells[0].record.spec,
            key=canonical_sha256(keys),
            documents=[document for document, *_ in found],
            clusters=[cluster for _, cluster, _ in found],
            accepted=(
                [float(sum(r.committed for r in g.rounds)) for g in generations],
                [float(g.target_forwards) for g in generations],
            ),
            speed=([float(len(g.tokens)) for g in generations], [g.wall_s for g in generations]),
        )

    @property
    def place(self) -> Row:
        """Where it stands, which it shares with whom it is compared."""
        spec = self.spec
        return {
            "model": spec.model,
            "revision": spec.revision or "",
            "student": spec.student.name,
            "training_seed": spec.student.seed,
            "temperature": spec.temperature,
            "seed": spec.seed,
        }

    def facts(self, side: str) -> Row:
        """What tells it from others."""
        spec = self.spec
        told = {
            "decoder": decoder_label(spec),
            "variant": as_json(spec.drafter.variant) if spec.drafter is not None and spec.drafter.variant else "",
            "options": as_json(spec.decoder_config),
            "layout": spec.layout,
            "tuned": "under a controller" if spec.tuning else "",
            "key": self.key,
        }
        return {f"{name}_{side}": value for name, value in told.items()}


def _family(cells: Cells, contenders: Sequence[Sequence[Told]]) -> list[dict[str, Any]]:
    """All pairs of some decoders, judged together."""
    read: dict[int, _Measured] = {}

    def measured(number: int) -> _Measured:
        if number not in read:
            read[number] = _Measured.of([cell.read() for cell in contenders[number]])
        return read[number]

    lines = []
    for one, other in combinations(range(len(contenders)), 2):

        def make(one: int = one, other: int = other) -> Row:
            return _compared(measured(one), measured(other))

        values = cells.row("comparison of decoders", [*contenders[one], *contenders[other]], _FOUND, make)
        lines.append(dict(zip(_FOUND, values, strict=True)))
    labels = _labels([{fact: line[f"{fact}_{side}"] for fact in _FACTS} for line in lines for side in "ab"])
    for line in lines:
        line |= {"family": len(lines), "a": labels[line["key_a"]], "b": labels[line["key_b"]]}
    _judge(lines, "acceptance", "accepts", ACCEPTS, lambda line: line["acceptance_difference"] > 0)
    _judge(lines, "speed", "speed", SPEED, lambda line: line["speed_ratio"] > 1)
    return lines


def _compared(a: _Measured, b: _Measured) -> Row:
    assert a.documents == b.documents, "decoders of one heat answer the same documents"
    accepted_a, accepted_b = _ratio(*a.accepted), _ratio(*b.accepted)
    speed_a, speed_b = _ratio(*a.speed), _ratio(*b.speed)
    return {
        **a.place,
        "n_suites": len({suite for suite, _ in a.documents}),
        "n_docs": len(a.documents),
        "n_clusters": len(set(a.clusters)),
        "acceptance_a": accepted_a,
        "acceptance_b": accepted_b,
        "acceptance_difference": accepted_a - accepted_b,
        **bounds("acceptance_difference", bootstrap_difference(*a.accepted, *b.accepted, clusters=a.clusters)),
        "p_acceptance": swap_test(*a.accepted, *b.accepted, clusters=a.clusters),
        "tokens_per_s_a": speed_a,
        "tokens_per_s_b": speed_b,
        "speed_ratio": speed_a / speed_b,
        **bounds("speed_ratio", bootstrap_speedup(*a.speed, *b.speed, clusters=a.clusters)),
        "p_speed": swap_test(*a.speed, *b.speed, clusters=a.clusters),
        **a.facts("a"),
        **b.facts("b"),
    }


def _ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    under = sum(denominators)
    return sum(numerators) / under if under else math.nan


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
        parts = [side["decoder"], side["variant"]]
        parts += [side[name] for name in ("options", "tuned") if len({one[name] for one in same}) > 1]
        parts += [f"on {side['layout']}"] * (len(layouts) > 1)
        found[key] = " ".join(filter(None, parts))
    count = Counter(found.values())
    return {key: label if count[label] == 1 else f"{label} ({key[:8]})" for key, label in found.items()}


def _place_of(family: Sequence[Row]) -> tuple[Any, ...]:
    """Where its lines stand among those of others."""
    first = family[0]
    return (first["temperature"], *(str(first[name]) for name in fields(PLACE)), -first["n_docs"], first["key_a"])
