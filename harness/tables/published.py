"""What others published of the decoders of a leaderboard: labelled, apart, and never ranked with what was measured.

`published.csv` beside this file has a row a number: whose it is, of which method, on what target, machine and prompts.
`published_sources.csv` says of each source where it stands, how it defines tau, and how it was run.
"""

import functools
from pathlib import Path

import pandas as pd

from offbook.harness.tables.columns import PAGE, Column, Table, bullet, differing, fields, paragraph, to_markdown
from offbook.harness.tables.csv_file import from_csv
from offbook.harness.tables.markdown import escape
from offbook.harness.tables.rows import Row, Rows

FOLDER = Path(__file__).resolve().parent
LARGEST = 8  # billions of parameters of a target that the page shows
POOLED = ("six sets", "Spec-Bench", "not stated")  # all prompts of a source that has these
TITLE = "## Published by others, not measured here"
EXPLANATION = paragraph(
    f"""What papers, logs and leaderboards say of decoders above, each by its own definitions, on other targets,
    machines and prompts. No number was measured here, and none is ranked. Of targets of up to {LARGEST} billion
    parameters, and over all prompts that a source has; everything else stands in published.csv. *tau* is what a source
    calls so; here it is the acceptance length. **Six sets** are MT-bench, HumanEval, GSM8K, Alpaca, CNN/DM and Natural
    Questions."""
)


def _temperature(row: Row) -> str:
    return f"{row['temperature']:g}"


ROWS = (
    Column(name="decoder", heading="Decoder", shown_in=PAGE),
    Column(name="method", heading="Published as", shown_in=PAGE),
    Column(name="source", heading="Source", shown_in=PAGE),
    Column(name="hardware", heading="Hardware", shown_in=PAGE),
    Column(name="model", heading="Target", shown_in=PAGE),
    Column(name="billions", unit="billion parameters", kind="number"),
    Column(name="dataset", heading="Prompts", shown_in=PAGE),
    Column(
        name="temperature",
        heading="T",
        kind="number",
        shown_in=PAGE,
        shown_for=differing("temperature"),
        written=_temperature,
    ),
    Column(name="tau", heading="tau, as published", unit="tokens per forward", kind="number", shown_in=PAGE),
    Column(name="speedup", heading="Speed-up, as published", kind="number", shown_in=PAGE),
    Column(name="remark", heading="Remark", shown_in=PAGE),
)
SOURCES = (
    Column(name="source"),
    Column(name="where"),
    Column(name="tau_means"),
    Column(name="protocol"),
)
PUBLISHED = (*ROWS, *SOURCES[1:])


@functools.cache
def published() -> pd.DataFrame:
    """Every number, with what is known of its source; numbers of one source stand together."""
    rows, sources = from_csv(FOLDER / "published.csv", ROWS), from_csv(FOLDER / "published_sources.csv", SOURCES)
    return rows.merge(sources, on="source", how="left", validate="many_to_one")[fields(PUBLISHED)]


def published_beside(table: pd.DataFrame) -> pd.DataFrame:
    """What a page shows beside this leaderboard: of its decoders, at its temperatures."""
    found = published()
    widest = found["dataset"].isin(POOLED)
    widest |= ~found["source"].isin(found["source"][widest])
    there = found["decoder"].isin(table["decoder"]) & found["temperature"].isin(table["temperature"])
    shown = found[there & widest & (found["billions"] <= LARGEST)]
    return shown.sort_values(["source", "hardware", "model", "temperature"], kind="stable")


def published_markdown(rows: pd.DataFrame) -> list[str]:
    """The section of these rows, their sources below; nothing where there are none."""
    if rows.empty:
        return []
    told = [bullet(_told(row)) for row in Rows(rows.drop_duplicates("source"))]
    return [TITLE, EXPLANATION, to_markdown(Table(columns=PUBLISHED, rows=rows)), "\n".join(told)]


def _told(source: Row) -> str:
    tau = f"tau: {source['tau_means']}; " if source["tau_means"] else ""
    return f"**{source['source']}**: {escape(source['where'])}; {escape(tau)}protocol: {escape(source['protocol'])}."
