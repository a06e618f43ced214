"""LEADERBOARD.md, from the leaderboard's rows."""

from collections.abc import Mapping, Sequence

import pandas as pd
from pydantic import JsonValue

from offbook.harness.records.manifest import machine_lines
from offbook.harness.tables.columns import Table, paragraph
from offbook.harness.tables.columns import to_markdown as pipe_table
from offbook.harness.tables.decoders_columns import COLUMNS, DEFINITIONS
from offbook.harness.tables.dimensions import ALL_SUITES
from offbook.harness.tables.drafters import drafters_markdown, drafting
from offbook.harness.tables.markdown import escape, machines_below, reasons
from offbook.harness.tables.models_line import models_line
from offbook.harness.tables.progress import Progress
from offbook.harness.tables.progress_markdown import how_far, missing_cells, what_failed
from offbook.harness.tables.ranks import EXPLANATION, fastest_first


def to_markdown(
    table: pd.DataFrame,
    *,
    manifests: Mapping[str, dict[str, JsonValue]] | None = None,
    sections: Sequence[str] = (),
    progress: Progress | None = None,
) -> str:
    """LEADERBOARD.md: models, definitions, the pooled table and each suite's by temperature, drafters, then `sections`.

    Below each table stand the machines that it was measured on, by the manifests of its heats. What the plan behind it
    expected, what of that failed and what is missing is told where `progress` is known.
    """
    parts = ["# Leaderboard", *([models_line(table, manifests)] if len(table) else []), DEFINITIONS]
    parts += reasons(list((manifests or {}).values()))
    parts += how_far(progress)
    if progress is not None:
        parts.append(paragraph(EXPLANATION))
    for temperature in sorted(set(table["temperature"])):
        at = table[table["temperature"] == temperature]
        seeds = ", ".join(str(seed) for seed in sorted(set(at["seed"])))
        parts.append(f"## Temperature {temperature:g}, seed {seeds}")
        for suite in [ALL_SUITES, *sorted(set(at["suite"]) - {ALL_SUITES})]:
            title = "All suites, pooled" if suite == ALL_SUITES else escape(suite)
            rows = fastest_first(at[at["suite"] == suite])
            parts += [f"### {title}", pipe_table(Table(columns=COLUMNS, rows=rows)), *_machines(rows, manifests)]
    if len(table):
        drafters = fastest_first(drafting(table))
        parts += drafters_markdown(drafters, machines_of(drafters, manifests))
    parts += sections
    if progress is not None:
        parts += [*what_failed(progress), *missing_cells(progress.cells)]
    return "\n\n".join(parts) + "\n"


def machines_of(table: pd.DataFrame, manifests: Mapping[str, dict[str, JsonValue]] | None) -> list[str]:
    """The machines of a leaderboard's rows, by the manifests of its heats; see `provenance.machine_lines`."""
    heats = {heat for heats in table["heat_id"] for heat in str(heats).split()}
    return machine_lines(manifest for heat, manifest in (manifests or {}).items() if heat in heats)


def _machines(table: pd.DataFrame, manifests: Mapping[str, dict[str, JsonValue]] | None) -> list[str]:
    return machines_below(machines_of(table, manifests))
