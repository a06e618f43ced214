"""What `offbook report` and `offbook ls` do: tables from a store, on disk and on the terminal."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from offbook.harness.leaderboard import losslessness, write_leaderboard
from offbook.harness.record import CellSpec
from offbook.harness.store import Store
from offbook.harness.tables import update_readme


def report(
    store_dir: Path,
    out_dir: Path | None = None,
    readme: Path | None = None,
    *,
    expected: Iterable[CellSpec] = (),
    console: Console | None = None,
) -> pd.DataFrame:
    """Writes LEADERBOARD.md and leaderboard.csv, by default into the store's folder, and prints the pooled rows.

    Args:
        store_dir: the store.
        out_dir: where the two files go.
        readme: a README whose leaderboard block is renewed too.
        expected: cells of the whole matrix; those without a record are listed as missing.
        console: where to print; the terminal by default.

    Raises:
        ValueError: no store there, a damaged one, or a README without the block.
    """
    table = write_leaderboard(_opened(store_dir), out_dir or store_dir, expected=expected)
    if readme is not None:
        update_readme(readme, table)
    shown = Table(title="All suites, pooled")
    for heading in (
        "T",
        "Model",
        "Decoder",
        "Docs",
        "Accuracy",
        "Acceptance length",
        "Tokens/s",
        "Speed-up",
        "Lossless?",
    ):
        shown.add_column(heading)
    for row in table[table["suite"] == "all"].to_dict("records"):
        numbers = [_number(row[name]) for name in ("accuracy", "acceptance_length", "tokens_per_s", "speedup")]
        names = [escape(str(row[name])) for name in ("model", "decoder")]
        shown.add_row(f"{row['temperature']:g}", *names, str(row["n_docs"]), *numbers, escape(row["losslessness"]))
    (console or Console()).print(shown)
    return table


def list_records(store_dir: Path, *, console: Console | None = None) -> None:
    """Prints one line a record.

    Raises:
        ValueError: no store there, or a damaged one.
    """
    records = _opened(store_dir).records()
    shown = Table(title=f"{len(records)} records")
    for heading in (
        "Key",
        "Model",
        "Training",
        "Decoder",
        "Suite",
        "T",
        "Seed",
        "Docs",
        "Lossless?",
        "Heat",
        "Finished (UTC)",
    ):
        shown.add_column(heading)
    for record in records:
        spec = record.spec
        cells = [
            *(record.key[:12], spec.model, spec.training, spec.decoder, spec.suite, f"{spec.temperature:g}"),
            *(str(spec.seed), str(spec.n_docs), losslessness([record.certificate]), record.heat_id[:12]),
            f"{record.finished_utc:%Y-%m-%d %H:%M}",
        ]
        shown.add_row(*(escape(cell) for cell in cells))
    (console or Console()).print(shown)


def _opened(store_dir: Path) -> Store:
    if not (store_dir / "records").is_dir():
        message = (
            f"{store_dir.name}: expected a store with a folder records/, found none; run `offbook evaluate` or "
            "`offbook reproduce` first"
        )
        raise ValueError(message)
    return Store(store_dir)


def _number(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:.2f}"
