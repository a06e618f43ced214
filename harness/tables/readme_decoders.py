"""README's table of decoders: the fastest settings of the few that matter, on the untouched model at temperature 0.

Which rows: those that were measured beside each other, so that any two of them may be compared. They are of one run and
one layout of the weights, plain decoding in that layout among them, and the speed-up is over that row. Of the runs the
one on most documents; of each decoder its fastest setting, and of these the fastest six. A drafter that was trained
otherwise than by default says in what. README names in the block's opening comment whom its readers look for. These
stand there however slow, and the run is the one with most of them; of such runs the one where a controller cuts most of
theirs, for nobody decodes with trees that are equal to be compared:

    <!-- leaderboard: autoregressive, eagle2, jakiro -->
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from pydantic import JsonValue

from offbook.engine.counted import counted
from offbook.harness.records.consistency import BASELINE_DECODER
from offbook.harness.records.student import UNTOUCHED
from offbook.harness.tables.columns import Column, paragraph, pick
from offbook.harness.tables.decoders_columns import COLUMNS
from offbook.harness.tables.decoders_markdown import machines_of
from offbook.harness.tables.dimensions import ALL_SUITES
from offbook.harness.tables.labels import decoder_of
from offbook.harness.tables.markdown import escape, machines_below, names_of_block, number, replace_block
from offbook.harness.tables.models_line import models_line
from offbook.harness.tables.ranks import LIKE, trusted
from offbook.harness.tables.rows import Row, Rows
from offbook.harness.tables.short_table import chosen, short_table

BLOCK = "leaderboard"
NOTHING = "No decoder has been measured beside plain decoding yet."
MEANING = (
    f"Acceptance: tokens a verify forward. *Over {BASELINE_DECODER}*: tokens a second over those of that row, which is "
    "plain decoding, with 95 % intervals. Lossless: answers that are plain decoding's, token by token."
)


def _same_answers(row: Row) -> str:
    return str(row["losslessness"]).removeprefix("identical ")


_ACCEPTANCE, _SPEED, _SPEEDUP, _LOSSLESS = pick(COLUMNS, "acceptance_length", "tokens_per_s", "speedup", "losslessness")
SHOWN = (
    Column(name="who", heading="Decoder"),
    replace(_ACCEPTANCE, heading="Acceptance", interval=False),
    replace(_SPEED, interval=False),
    replace(_SPEEDUP, heading=f"Over {BASELINE_DECODER}"),
    replace(_LOSSLESS, written=_same_answers),
)


def readme_decoders(
    table: pd.DataFrame, manifests: Mapping[str, dict[str, JsonValue]] | None = None, keep: Collection[str] = ()
) -> str:
    """The table with its models above and its machines below, both told by the manifests of its heats.

    Args:
        table: the leaderboard.
        manifests: of its heats, by id.
        keep: decoders that stand there in any case.
    """
    beside = _measured_beside(table, keep)
    if beside is None:
        return NOTHING
    rows = beside.rows.sort_values("speedup", ascending=False, kind="stable").drop_duplicates("decoder")
    names = [str(name) for name in rows["decoder"]]
    rows = rows[rows["decoder"].isin(chosen(names, {BASELINE_DECODER, *keep}))]
    shown = f"{len(rows)} of {len(names)} decoders" if len(rows) < len(names) else f"{len(names)} decoders"
    first = rows.iloc[0]
    over = f"{first['n_docs']:,} prompts of {counted(first['n_suites'], 'suite')}"
    said = (
        f"{models_line(rows, manifests)} Temperature 0, {over}; {shown}, of each its fastest setting, all asked in "
        f"turns in one run, with the weights in layout {escape(str(first['layout']))}. {MEANING}"
    )
    machines = machines_below(machines_of(rows, manifests))
    parts = [
        paragraph(f"{said} {_faster_layout(beside)}"),
        short_table(SHOWN, rows.assign(who=[decoder_of(row) for row in Rows(rows)])),
        *machines,
    ]
    return "\n\n".join(parts)


def update_readme(
    readme_path: Path, table: pd.DataFrame, manifests: Mapping[str, dict[str, JsonValue]] | None = None
) -> None:
    """Puts `readme_decoders` between `<!-- leaderboard -->` and `<!-- /leaderboard -->`.

    Raises:
        ValueError: the README has not exactly one such block.
    """
    keep = names_of_block(readme_path, BLOCK)
    replace_block(readme_path, BLOCK, readme_decoders(table, manifests, keep))


class _Beside(NamedTuple):
    """Rows of one run and one layout, and all of that run."""

    rows: pd.DataFrame
    run: pd.DataFrame


def _measured_beside(table: pd.DataFrame, keep: Collection[str]) -> _Beside | None:
    """Pooled rows of the untouched model at temperature 0 whose text is the target's, beside plain decoding."""
    alike = (table["suite"] == ALL_SUITES) & (table["student"] == UNTOUCHED) & (table["temperature"] == 0)
    rows = table[alike]
    rows = rows[np.array([trusted(row) for row in Rows(rows)], dtype=bool)]
    found = [
        _Beside(in_layout, run)
        for _, run in rows.groupby([*LIKE, "semantics", "heat_id"], sort=False, dropna=False)
        for _, in_layout in run.groupby("layout", sort=False)
        if BASELINE_DECODER in set(in_layout["decoder"])
    ]

    def worth(beside: _Beside) -> tuple[int, int, int, int, float]:
        ours = beside.rows
        named = ours[ours["decoder"].isin([*keep])]
        cut = named[named["tuning"] != ""]
        found = (named["decoder"].nunique(), cut["decoder"].nunique())
        return *found, int(ours["n_docs"].iloc[0]), len(ours), float(ours["tokens_per_s"].max())

    return max(found, key=worth, default=None)


def _faster_layout(beside: _Beside) -> str:
    """A sentence where the same run decoded plainly in a layout that is faster than the one shown; else nothing."""
    plain = beside.run[beside.run["decoder"] == BASELINE_DECODER]
    fastest = plain.sort_values("tokens_per_s", ascending=False, kind="stable").iloc[0]
    if fastest["layout"] == beside.rows["layout"].iloc[0]:
        return ""
    layout, speed = escape(str(fastest["layout"])), number(float(fastest["tokens_per_s"]), 1)
    return f"In the same run {BASELINE_DECODER} in layout {layout} wrote {speed} tokens a second."
