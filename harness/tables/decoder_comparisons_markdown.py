"""Which differences between decoders are separable, as a section of the leaderboard: a line a decoder, not a pair."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pandas as pd

from offbook.engine.counted import counted
from offbook.harness.records.student import UNTOUCHED
from offbook.harness.tables.columns import paragraph
from offbook.harness.tables.decoder_comparisons import ACCEPTS, SPEED, TIE
from offbook.harness.tables.labels import named_student
from offbook.harness.tables.markdown import UNKNOWN, escape, markdown_table, number
from offbook.harness.tables.paired_decoders import LEAST
from offbook.harness.tables.rows import Row

TITLE = "## Which differences are separable"
EXPLANATION = paragraph(
    f"""Decoders that share their heats, by acceptance. The numbers name lines of the same table: whom a decoder surely
    exceeds, and from whom it cannot be told apart. Each pair is a paired randomisation test over documents, or over
    clusters of like ones (were the two alike, they might have swapped what they took for any of them), at 5 % after
    Holm's correction over all pairs of the table, for acceptance and for speed apart. Over {LEAST} documents at least,
    and without those whose output is changed or not tested. A trained drafter is one training of its method: a
    difference says something of methods only where it is larger than that of two drafters which differ in their seed
    alone (alike but for the digits behind their names). decoder_comparisons.csv has every pair with its difference,
    interval and p-values."""
)


class _Standing(NamedTuple):
    """A decoder among those that it was compared with."""

    label: str
    acceptance: float
    tokens_per_s: float
    more_than: frozenset[str]
    accepts_like: frozenset[str]
    faster_than: frozenset[str]
    fast_like: frozenset[str]


def comparisons_markdown(pairs: pd.DataFrame) -> list[str]:
    """The section of these pairs; nothing where there are none."""
    if pairs.empty:
        return []
    parts, lines = [TITLE, EXPLANATION], pairs.to_dict("records")
    while lines:
        family, lines = lines[: lines[0]["family"]], lines[lines[0]["family"] :]
        parts += [_title(family[0]), _table(_standings(family))]
    return parts


def _title(line: Row) -> str:
    told = [
        escape(str(line["model"])),
        *([] if line["student"] == UNTOUCHED else [escape(named_student(line["student"], line["training_seed"]))]),
        f"temperature {line['temperature']:g}",
        f"seed {line['seed']}",
        f"{line['n_docs']} documents of {counted(line['n_suites'], 'suite')}",
        counted(line["family"], "pair"),
    ]
    return f"**{', '.join(told)}**"


def _standings(pairs: Sequence[Row]) -> list[_Standing]:
    """Every decoder of these pairs, by acceptance."""
    sides = {pair[side]: (pair[f"acceptance_{side}"], pair[f"tokens_per_s_{side}"]) for pair in pairs for side in "ab"}
    found = [
        _Standing(
            label,
            *numbers,
            more_than=_beaten(pairs, label, "accepts", ACCEPTS),
            accepts_like=_beaten(pairs, label, "accepts", (TIE, TIE)),
            faster_than=_beaten(pairs, label, "speed", SPEED),
            fast_like=_beaten(pairs, label, "speed", (TIE, TIE)),
        )
        for label, numbers in sides.items()
    ]
    return sorted(found, key=lambda one: (-one.acceptance, -one.tokens_per_s, one.label))


def _beaten(pairs: Sequence[Row], label: str, question: str, words: tuple[str, str]) -> frozenset[str]:
    """The others of which the first word holds where a decoder is compared with them, or the second where they are."""
    of_a = {pair["b"] for pair in pairs if pair["a"] == label and pair[question] == words[0]}
    of_b = {pair["a"] for pair in pairs if pair["b"] == label and pair[question] == words[1]}
    return frozenset(of_a | of_b)


def _table(standings: Sequence[_Standing]) -> str:
    place = {one.label: number for number, one in enumerate(standings, start=1)}

    def named(which: Callable[[_Standing], frozenset[str]]) -> list[str]:
        return [_ranges(sorted(place[label] for label in which(one))) for one in standings]

    return markdown_table(
        {
            "#": [str(place[one.label]) for one in standings],
            "Decoder": [escape(one.label) for one in standings],
            "Acceptance length": [number(one.acceptance, 2) for one in standings],
            "Accepts more than": named(lambda one: one.more_than),
            "Acceptance not told from": named(lambda one: one.accepts_like),
            "Tokens/s": [number(one.tokens_per_s, 1) for one in standings],
            "Faster than": named(lambda one: one.faster_than),
            "Speed not told from": named(lambda one: one.fast_like),
        }
    )


def _ranges(numbers: Sequence[int]) -> str:
    """Such as 1, 4-7."""
    runs: list[list[int]] = []
    for one in numbers:
        if runs and runs[-1][-1] == one - 1:
            runs[-1].append(one)
        else:
            runs.append([one])
    return ", ".join(f"{run[0]}-{run[-1]}" if run[1:] else f"{run[0]}" for run in runs) or UNKNOWN
