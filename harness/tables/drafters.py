"""What each drafter costs beside what it brings: the leaderboard's pooled rows of those that have one, as a section."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from offbook.harness.tables.columns import (
    Column,
    Place,
    Table,
    always,
    definitions,
    differing,
    paragraph,
    pick,
    to_markdown,
)
from offbook.harness.tables.decoders_columns import AT, COLUMNS
from offbook.harness.tables.dimensions import ALL_SUITES
from offbook.harness.tables.markdown import UNKNOWN, machines_below, number
from offbook.harness.tables.rows import Row

SECTION: tuple[Place, ...] = ("markdown",)
TITLE = "## What drafters cost"
EXPLANATION = paragraph(
    """Rows over all suites, of decoders whose drafter was trained, counted or is a language model, be it the target's
    first layers: size and training stand beside acceptance, since more of the former buys more of the latter. Rows are
    matched where a variant was trained to be as large, or as dear a round, as another's drafter."""
)


def _by_level(row: Row) -> str:
    """Acceptance at each level; levels of one pass are joined by +."""
    told = [number(row[name], 2) for name in AT if not math.isnan(row[name])]
    passes = [int(levels) for levels in row["levels_by_pass"].split()]
    groups: list[str] = []
    for levels in [*passes, *[1] * len(told)]:  # where nobody says, each level is told by itself
        groups.append(" + ".join(told[:levels]))
        told = told[levels:]
    return " / ".join(filter(None, groups)) or UNKNOWN


def _flops(row: Row) -> str:
    flops = row["drafter_training_flops"]
    return UNKNOWN if math.isnan(flops) else "0" if not flops else f"{flops:.1e}".replace("e+", "e")


def _shown(*names: str) -> tuple[Column, ...]:
    return tuple(replace(column, shown_in=SECTION, definition="", late=False) for column in pick(COLUMNS, *names))


DRAFTERS = (
    *_shown("model", "training"),
    *(replace(column, heading="Drafter of") for column in _shown("decoder_label")),
    *_shown("drafter_sha256", "decoder_options", "layout"),
    *(replace(column, shown_for=differing("temperature")) for column in _shown("temperature")),
    *_shown("seed"),
    Column(
        name="drafter_parameters",
        heading="Parameters",
        kind="count",
        shown_in=SECTION,
        definition="""numbers in its files, the draft vocabulary's ids left out. A head of its own is among them
            (EAGLE-3's is; the others read rows of the target's). 0 where the target's own layers draft.""",
    ),
    Column(
        name="training_tokens",
        heading="Answer tokens",
        kind="count",
        shown_in=SECTION,
        definition="tokens of the target's answers that it was trained on, or counted.",
    ),
    Column(
        name="drafter_gradient_tokens",
        heading="Gradient tokens",
        kind="count",
        shown_in=SECTION,
        definition="those of the draft vocabulary, once an epoch: what it learned to predict.",
    ),
    Column(
        name="drafter_training_flops",
        heading="Training FLOPs",
        shown_in=SECTION,
        written=_flops,
        definition="""of the matrix products of its training, forward and backward, two a multiplication: the draft
            network over all rows of prompts and answers, heads over rows that count, the target's law at these. Not the
            target's answers and features, which all drafters share.""",
    ),
    *_shown("draft_forwards_per_round"),
    Column(
        name="draft_ms_per_round",
        heading="Draft ms",
        kind="number",
        shown_in=SECTION,
        definition="milliseconds in the drafter per verify forward, those before which a controller let it rest too.",
    ),
    *_shown("acceptance_length"),
    Column(
        name="by_level",
        heading="Accepted at level",
        shown_in=SECTION,
        written=_by_level,
        definition="""share of rounds that accept a candidate of level 1 / 2 / ... 6 of the tree, of those that accepted
            one of the level above and had another to offer. Levels joined by + come from one pass of the drafter: what
            that costs in acceptance shows beside the row that drafts them one by one.""",
    ),
    *(replace(column, shown_for=always) for column in _shown("speedup")),
    *_shown("losslessness"),
)


def drafting(table: pd.DataFrame) -> pd.DataFrame:
    """The leaderboard's pooled rows of decoders that have a drafter, or draft with layers of their target."""
    has_one = (table["drafter_parameters"] > 0) | (table["draft_forwards_per_round"] > 0)
    return table[(table["suite"] == ALL_SUITES) & has_one]


def drafters_markdown(rows: pd.DataFrame, machines: Sequence[str] = ()) -> list[str]:
    """The section of these rows, their machines below; nothing where there are none."""
    if rows.empty:
        return []
    explained = "\n".join([EXPLANATION, "", *definitions(DRAFTERS)])
    return [TITLE, explained, to_markdown(Table(columns=DRAFTERS, rows=rows)), *machines_below(machines)]
