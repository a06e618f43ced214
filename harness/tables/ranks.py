"""Who is ranked on the leaderboard of a run: contenders of which everything is there that the plan expects.

Where nobody knows the plan, nobody knows that, and nobody is ranked.
"""

import math
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from offbook.harness.tables.dimensions import ALL_SUITES
from offbook.harness.tables.progress import MissingCell, Progress
from offbook.harness.tables.rows import Row, Rows

EXPLANATION = (
    "**Rank** is by speed-up over the fastest plain row: one more than the number of contenders on the same documents "
    "whose interval lies wholly above. Contenders whose output is changed or not tested have none, nor has a method of "
    "which a suite or a seed is missing."
)
LIKE = (
    *("model", "revision", "student", "training_seed", "dtype", "chat_template"),
    *("temperature", "top_k", "top_p", "seed", "n_suites", "n_docs"),
)


def ranked(table: pd.DataFrame, progress: Progress | None) -> pd.DataFrame:
    """The leaderboard with `missing`, how many cells of a row's method are, and `rank`, of the pooled rows."""
    if progress is None:
        return table
    lost = Counter(map(_method_of, progress.cells))
    table = table.assign(missing=[lost[_method(row)] for row in Rows(table)])
    ranks = [math.nan] * len(table)
    places: dict[tuple[Any, ...], list[tuple[int, Row]]] = {}
    for place, row in enumerate(Rows(table)):
        if _may_rank(row):
            places.setdefault(tuple(row[name] for name in LIKE), []).append((place, row))
    for group in places.values():
        for place, row in group:
            ranks[place] = 1 + sum(_range(other)[0] > _range(row)[1] for _, other in group)
    return table.assign(rank=ranks)


def lacking(table: pd.DataFrame, progress: Progress | None) -> pd.DataFrame:
    """The cross with `missing`: of either drafter."""
    if progress is None:
        return table
    lost = Counter(_method_of(cell)[:-1] for cell in progress.cells)
    rows = [row | {"drafter_made_for": ""} for row in table.to_dict("records")]
    return table.assign(missing=[lost[_method(row)[:-1]] for row in rows])


def trusted(row: Row) -> bool:
    """Whether it says what the target says, as far as anybody looked: else its speed is that of another text."""
    return not doubt(row)


def doubt(row: Row) -> str:
    """What a picture or a short table says behind the name of a row that is not to be trusted; nothing of any other."""
    found = str(row["losslessness"])
    return "output changed" if found.startswith("DIFFERS") else "not tested" if found.startswith("not tested") else ""


def _may_rank(row: Row) -> bool:
    return row["suite"] == ALL_SUITES and not row["missing"] and trusted(row) and not math.isnan(row["speedup_fastest"])


def _method(row: Row) -> tuple[Any, ...]:
    """What a plan's suites and seeds are expected of."""
    return tuple(row[name] for name in ("model", "student", "temperature", "decoder", "drafter_made_for"))


def _method_of(cell: MissingCell) -> tuple[Any, ...]:
    return (cell.model, cell.student, cell.temperature, cell.decoder, cell.made_for)


def _range(row: Row) -> tuple[float, float]:
    """The interval of a speed-up; of the fastest plain row itself there is none."""
    low, high = row["speedup_fastest_low"], row["speedup_fastest_high"]
    return (row["speedup_fastest"],) * 2 if math.isnan(low) else (low, high)


def fastest_first(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows on the same documents by their speed-up over the fastest plain row; who has none stands behind them."""
    if rows.empty:
        return rows
    alike = rows.groupby(list(LIKE), sort=False, dropna=False).ngroup().to_numpy()
    speed = rows["speedup_fastest"].fillna(-math.inf).to_numpy(dtype=np.float64)
    return rows.iloc[np.lexsort((-speed, alike))]
