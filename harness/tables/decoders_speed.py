"""How fast a contender is, and over what: the leaderboard's columns that are read off seconds.

A speed-up is taken inside of a heat and from nowhere else: over plain decoding in the contender's own layout of the
weights, which says what drafting gains, and over the fastest plain row of the heat that says what the target says,
which says whether to use it. Both over whole answers, prefill included, and over the seconds of decoding alone.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from offbook.engine.decoding import metrics
from offbook.engine.decoding.generation import Generation
from offbook.harness.records.cell import Cell
from offbook.harness.records.consistency import BASELINE_DECODER
from offbook.harness.statistics.clusters import cluster_name
from offbook.harness.statistics.intervals import Interval, bootstrap_speedup
from offbook.harness.tables.told import Cells, Told

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
Work = Callable[[Generation], tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class References:
    """What the cells of a row are measured against, by heat."""

    own: Mapping[str, Told]
    fastest: Mapping[str, Told]
    fastest_decode: Mapping[str, Told]

    @classmethod
    def of(cls, cells: Cells, members: Sequence[Told]) -> "References":
        """Those of cells that are in one layout."""
        own: dict[str, Told] = {}
        fastest: dict[str, Told] = {}
        decode: dict[str, Told] = {}
        for cell in members:
            plain = cells.plain.get(cell.heat_id, [])
            same = sorted((told for told in plain if told.layout == cell.layout), key=_plainest)
            if same:
                own[cell.heat_id] = same[0]
            exact = [told for told in plain if told.exact]
            if exact:
                fastest[cell.heat_id] = max(exact, key=lambda told: told.tokens_per_s)
                decode[cell.heat_id] = max(exact, key=lambda told: _or_zero(told.decode_tokens_per_s))
        return cls(own=own, fastest=fastest, fastest_decode=decode)

    @property
    def all(self) -> list[Told]:
        """Each of them."""
        return [*self.own.values(), *self.fastest.values(), *self.fastest_decode.values()]


def speed(cells: Sequence[Cell], references: References) -> dict[str, Any]:
    """The columns of a row.

    Raises:
        ValueError: a heat whose cells do not hold the same documents.
    """
    generations = [generation for cell in cells for generation in cell.generations]
    draft, target, host = metrics.time_split(generations)
    own = [g for told in references.own.values() for g in told.read().generations]
    return {
        "tokens_per_s": metrics.tokens_per_second(generations),
        "decode_tokens_per_s": metrics.decode_tokens_per_second(generations),
        **_speedup("speedup", cells, references.own, whole_answers),
        **_speedup("speedup_decode", cells, references.own, decoding),
        **_speedup("speedup_fastest", cells, references.fastest, whole_answers),
        **_speedup("speedup_decode_fastest", cells, references.fastest_decode, decoding),
        "first_token_s": _quantile([g.prefill_s for g in generations], 0.5),
        **_quantiles("token_ms", metrics.token_seconds(generations)),
        **_quantiles("burst_ms", metrics.burst_seconds(generations)),
        "draft_share": draft,
        "target_share": target,
        "host_share": host,
        "break_even": metrics.break_even(generations, own) if own else math.nan,
        "floor_share": _floor_share(cells),
        "acceptance_histogram": json.dumps(metrics.acceptance_histogram(generations), separators=(",", ":")),
    }


def whole_answers(generation: Generation) -> tuple[float, float]:
    """Tokens and seconds of an answer, prefill included."""
    return float(len(generation.tokens)), generation.wall_s


def decoding(generation: Generation) -> tuple[float, float]:
    """Tokens and seconds of an answer's rounds."""
    return float(len(generation.tokens) - generation.prefill_committed), generation.decode_s


def clusters_of(cell: Cell) -> list[str]:
    """The cluster of each document, in the order of the cell's rows."""
    return [cluster_name(cell.record.spec.suite, row.doc_id, row.cluster) for row in cell.rows]


def bounds(name: str, interval: Interval | None) -> dict[str, float]:
    """An interval's two columns."""
    low, high = interval or (math.nan, math.nan)
    return {f"{name}_low": low, f"{name}_high": high}


def _speedup(name: str, cells: Sequence[Cell], references: Mapping[str, Told], work: Work) -> dict[str, float]:
    """Over the reference of the same heats; a cell whose heat has none yet is left out, none at all gives nan."""
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    clusters: list[str] = []
    for cell in cells:
        told = references.get(cell.record.heat_id)
        if told is None:
            continue
        reference = told.read()
        by_id = {row.doc_id: g for row, g in zip(reference.rows, reference.generations, strict=True)}
        if by_id.keys() != {row.doc_id for row in cell.rows}:
            message = (
                f"heat {cell.record.heat_id}: expected {cell.record.spec.decoder} on the {len(by_id)} documents of "
                f"{told.decoder}, got {len(cell.rows)} others; run the heat again"
            )
            raise ValueError(message)
        clusters += clusters_of(cell)
        ours += [work(g) for g in cell.generations]
        theirs += [work(by_id[row.doc_id]) for row in cell.rows]
    (tokens, seconds), (plain_tokens, plain_seconds) = (
        tuple(zip(*side, strict=True)) or ((), ()) for side in (ours, theirs)
    )
    if not sum(seconds) or not sum(plain_tokens) or not sum(plain_seconds):
        return {name: math.nan, **bounds(name, None)}
    ratio = sum(tokens) / sum(seconds) / (sum(plain_tokens) / sum(plain_seconds))
    return {
        name: ratio,
        **bounds(name, bootstrap_speedup(tokens, seconds, plain_tokens, plain_seconds, clusters=clusters)),
    }


def _quantiles(name: str, seconds: Sequence[float]) -> dict[str, float]:
    return {f"{name}_{which}": 1000 * _quantile(seconds, level) for which, level in QUANTILES.items()}


def _quantile(values: Sequence[float], level: float) -> float:
    return float(np.quantile(values, level)) if len(values) else math.nan


def _floor_share(cells: Sequence[Cell]) -> float:
    """Seconds of reading every weight once, over the seconds of a round; nan where a heat's manifest does not tell."""
    floor_s = rounds_s = 0.0
    for cell in cells:
        layouts, bandwidth = (cell.record.manifest.get(name) for name in ("layouts", "bandwidth_gb_s"))
        facts = layouts.get(cell.record.spec.layout) if isinstance(layouts, dict) else None
        read = facts.get("bytes_read") if isinstance(facts, dict) else None
        if not isinstance(bandwidth, float) or not isinstance(read, int):
            return math.nan
        floor_s += sum(g.target_forwards for g in cell.generations) * read / (bandwidth * 1e9)
        rounds_s += sum(g.decode_s for g in cell.generations)
    return floor_s / rounds_s if rounds_s else math.nan


def _plainest(told: Told) -> tuple[bool, str]:
    """Offbook's own loop first, which the others of the layout run in."""
    return told.decoder != BASELINE_DECODER, told.decoder


def _or_zero(value: float) -> float:
    return 0.0 if math.isnan(value) else value
