"""README's table of decoders: the fastest settings of the few that matter, on the untouched model at temperature 0.

Which rows: of decoders on the same documents, those on most documents; of each its fastest setting, and of these the
fastest six. README names in the block's opening comment whom its readers look for. These stand there however slow, and
the documents are those that most of them decoded:

    <!-- leaderboard: autoregressive, eagle2, jakiro -->
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import JsonValue

from offbook.harness.records.student import UNTOUCHED
from offbook.harness.tables.columns import Column, paragraph, pick
from offbook.harness.tables.decoders_columns import COLUMNS
from offbook.harness.tables.decoders_markdown import machines_of
from offbook.harness.tables.dimensions import ALL_SUITES
from offbook.harness.tables.labels import decoder_of
from offbook.harness.tables.markdown import machines_below, names_of_block, replace_block
from offbook.harness.tables.models_line import models_line
from offbook.harness.tables.ranks import LIKE, fastest_first, trusted
from offbook.harness.tables.rows import Row, Rows
from offbook.harness.tables.short_table import chosen, short_table

BLOCK = "leaderboard"
NOTHING = "No cell has been run yet."
MEANING = (
    "Acceptance: tokens a verify forward. *Over fastest plain*: tokens a second over those of the fastest plain "
    "decoding of the same run, in whatever layout of the weights, with 95 % intervals. Lossless: answers that are "
    "plain decoding's, token by token."
)


def _same_answers(row: Row) -> str:
    return str(row["losslessness"]).removeprefix("identical ")


_ACCEPTANCE, _SPEED, _OVER_FASTEST, _LOSSLESS = pick(
    COLUMNS, "acceptance_length", "tokens_per_s", "speedup_fastest", "losslessness"
)
SHOWN = (
    Column(name="who", heading="Decoder"),
    replace(_ACCEPTANCE, heading="Acceptance", interval=False),
    replace(_SPEED, interval=False),
    _OVER_FASTEST,
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
    rows = _on_most_documents(table, keep)
    if rows.empty:
        return NOTHING
    rows = fastest_first(rows).drop_duplicates("decoder")
    names = [str(name) for name in rows["decoder"]]
    rows = rows[rows["decoder"].isin(chosen(names, keep))]
    several = rows["layout"].nunique() > 1
    who = [f"{decoder_of(row)}, {row['layout']}" if several else decoder_of(row) for row in Rows(rows)]
    shown = f"{len(rows)} of {len(names)} decoders" if len(rows) < len(names) else f"{len(names)} decoders"
    first = rows.iloc[0]
    over = f"{first['n_docs']:,} prompts of {first['n_suites']} suite{'s' if first['n_suites'] != 1 else ''}"
    said = f"{models_line(rows, manifests)} Temperature 0, {over}; {shown}, of each its fastest setting. {MEANING}"
    machines = machines_below(machines_of(rows, manifests))
    return "\n\n".join([paragraph(said), short_table(SHOWN, rows.assign(who=who)), *machines])


def update_readme(
    readme_path: Path, table: pd.DataFrame, manifests: Mapping[str, dict[str, JsonValue]] | None = None
) -> None:
    """Puts `readme_decoders` between `<!-- leaderboard -->` and `<!-- /leaderboard -->`.

    Raises:
        ValueError: the README has not exactly one such block.
    """
    keep = names_of_block(readme_path, BLOCK)
    replace_block(readme_path, BLOCK, readme_decoders(table, manifests, keep))


def _on_most_documents(table: pd.DataFrame, keep: Collection[str]) -> pd.DataFrame:
    """Pooled rows of the untouched model at temperature 0 whose text is the target's, over the same documents."""
    alike = (table["suite"] == ALL_SUITES) & (table["student"] == UNTOUCHED) & (table["temperature"] == 0)
    rows = table[alike]
    rows = rows[np.array([trusted(row) for row in Rows(rows)], dtype=bool)]
    groups = [group for _, group in rows.groupby([*LIKE, "semantics"], sort=False, dropna=False)]

    def worth(group: pd.DataFrame) -> tuple[int, int, int]:
        return len({*group["decoder"]} & {*keep}), int(group["n_docs"].iloc[0]), len(group)

    return max(groups, key=worth, default=rows)
