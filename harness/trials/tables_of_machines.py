"""A table of what was measured, with a machine's lines beside those of other machines."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from offbook.engine.files import atomic_write_text
from offbook.harness.tables.csv_file import csv_text

OF_ONE_RUN = ("model", "cpu", "cpu_capability", "threads")


def table_before(path: Path) -> pd.DataFrame:
    """What a CSV holds, as text; an empty table where there is none. To be read before anything is measured.

    Raises:
        ValueError: a file without the columns `OF_ONE_RUN`, which is another table.
    """
    if not path.exists():
        return pd.DataFrame(columns=OF_ONE_RUN)
    before = pd.read_csv(path, dtype=str, keep_default_na=False)
    missing = [name for name in OF_ONE_RUN if name not in before]
    if missing:
        found = ", ".join(map(str, before))
        msg = f"{path}: expected a table with the column {missing[0]!r}, got {found}; name another file"
        raise ValueError(msg)
    return before


def write_beside_others(path: Path, before: pd.DataFrame, lines: Sequence[Mapping[str, str]]) -> None:
    """Writes what was measured of one model on one machine: earlier lines of both go, all others stay.

    Args:
        path: Written anew as a whole, or not at all.
        before: Of `table_before`.
        lines: With the columns `OF_ONE_RUN`, alike in all.
    """
    found = pd.DataFrame(lines)
    same = (before[[*OF_ONE_RUN]] == found.iloc[0][[*OF_ONE_RUN]]).all(axis=1)
    kept = before[~same]
    together = pd.concat([kept, found], ignore_index=True).fillna("") if len(kept) else found
    atomic_write_text(path, csv_text(together[[*found, *(name for name in together if name not in found)]]))
