"""Whether a drafter trained for the base model keeps its acceptance on a student: derived from the cross's records.

On each student a decoder ran with the base model's drafter and with one trained for the student by the same recipe,
in one heat, on the same documents; at temperature 0 both wrote the same answers. So documents are paired.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from offbook.engine.decoding.generation import Generation
from offbook.engine.decoding.metrics import acceptance_length, finished, tokens_per_second
from offbook.harness.records.cell import Cell
from offbook.harness.records.document_row import DocumentRow
from offbook.harness.statistics.clusters import cluster_name
from offbook.harness.statistics.intervals import bootstrap_difference
from offbook.harness.tables.columns import (
    MISSING,
    PAGE,
    Column,
    Table,
    definitions,
    differing,
    documents,
    fields,
    to_markdown,
)
from offbook.harness.tables.dimensions import ALL_SUITES, CHECKPOINT, MODEL, RUN, STUDENT, of_cell
from offbook.harness.tables.labels import student_of
from offbook.harness.tables.markdown import machines_below
from offbook.harness.tables.told import Cells, Told

CROSS_COLUMNS = (
    *MODEL,
    *(column for column in STUDENT if column.name != "training"),
    *CHECKPOINT,
    Column(name="training", heading="Student", shown_in=("markdown",), written=student_of),
    Column(name="decoder", heading="Decoder", shown_in=PAGE),
    Column(name="decoder_options"),
    MISSING,
    *RUN,
    Column(name="suite", heading="Suite", shown_in=PAGE),
    Column(name="temperature", heading="T", kind="number", shown_in=PAGE, shown_for=differing("temperature")),
    Column(name="seed", heading="Seed", kind="whole", shown_in=PAGE, shown_for=differing("seed")),
    Column(
        name="n_docs",
        heading="Docs",
        unit="documents",
        kind="whole",
        shown_in=PAGE,
        written=documents,
    ),
    Column(name="n_clusters", unit="clusters", kind="whole"),
    Column(
        name="finished",
        heading="Finished",
        unit="share",
        kind="share",
        shown_in=PAGE,
        definition="share of both's answers that ended by themselves, before the cap.",
    ),
    Column(
        name="acceptance_base",
        heading="On the base",
        unit="tokens per forward",
        kind="number",
        shown_in=PAGE,
        definition="""acceptance length of the base model's drafter on the base model itself, on the same documents.""",
    ),
    Column(
        name="acceptance_borrowed",
        heading="Borrowed",
        unit="tokens per forward",
        kind="number",
        shown_in=PAGE,
        definition="acceptance length of the base model's drafter on the student.",
    ),
    Column(
        name="acceptance_own",
        heading="Own",
        unit="tokens per forward",
        kind="number",
        shown_in=PAGE,
        definition="that of a drafter trained for the student by the same recipe.",
    ),
    Column(
        name="difference",
        heading="Own - borrowed",
        unit="tokens per forward",
        kind="number",
        sign="+",
        interval=True,
        shown_in=PAGE,
        definition="paired by document, and over clusters of like ones.",
    ),
    Column(
        name="speed_ratio",
        heading="Speed",
        kind="number",
        shown_in=PAGE,
        definition="tokens per second with the own drafter over those with the borrowed.",
    ),
)
NAMES = fields(CROSS_COLUMNS)
_Trio = tuple[Told, Told, Told | None]  # borrowed, own, and the borrowed one on its own target
EXPLANATION = "\n".join(
    [
        "A student decoded with the base model's drafter and with one trained for it, in one heat.",
        "",
        *definitions(CROSS_COLUMNS),
    ]
)


def cross_table(cells: Sequence[Cell]) -> pd.DataFrame:
    """One row for each student, decoder with a drafter and suite, and one over all suites; empty without a cross."""
    return cross_table_of(Cells.of(cells))


def cross_table_of(cells: Cells) -> pd.DataFrame:
    """The same."""
    lines = [_remembered(cells, suite, trios) for suite, trios in _rows_of(cells)]
    return pd.DataFrame(lines, columns=NAMES)


def cells_of_cross(cells: Cells) -> list[list[Told]]:
    """The cells behind each row: of each suite with the borrowed drafter, with the own one, and on the base model."""
    return [[cell for trio in trios for cell in trio if cell is not None] for _, trios in _rows_of(cells)]


def _rows_of(cells: Cells) -> Iterator[tuple[str, list[_Trio]]]:
    """The suite of each row, and what it is made of."""
    own = {cell.pair: cell for cell in cells if cell.pair and not cell.borrowed}
    bases: dict[str, Told] = {}
    for cell in cells:
        if cell.base and cell.untouched:
            bases.setdefault(cell.base, cell)
    groups: dict[str, dict[str, _Trio]] = {}
    for cell in cells:
        if cell.borrowed and cell.pair in own:
            groups.setdefault(cell.group, {})[cell.suite] = (cell, own[cell.pair], bases.get(cell.base))
    for suites in groups.values():
        yield ALL_SUITES, list(suites.values())
        yield from ((suite, [trio]) for suite, trio in sorted(suites.items()))


def cross_markdown(table: pd.DataFrame, machines: Sequence[str] = ()) -> list[str]:
    """The table as a section of the leaderboard, its machines below; nothing where there is no cross."""
    if table.empty:
        return []
    return [
        "## Drafters on students",
        EXPLANATION,
        to_markdown(Table(columns=CROSS_COLUMNS, rows=table)),
        *machines_below(machines),
    ]


def _remembered(cells: Cells, suite: str, trios: Sequence[_Trio]) -> list[Any]:
    def make() -> dict[str, Any]:
        return _line(suite, [(cell.read(), own.read(), base.read() if base else None) for cell, own, base in trios])

    return cells.row(f"cross, {suite}", [cell for trio in trios for cell in trio], NAMES, make)


def _line(suite: str, trios: Sequence[tuple[Cell, Cell, Cell | None]]) -> dict[str, Any]:
    borrowed = _generations([trio[0] for trio in trios])
    own = _generations([trio[1] for trio in trios])
    bases = [base for *_, base in trios if base is not None]
    clusters = [
        cluster_name(cell.record.spec.suite, row.doc_id, row.cluster) for _, cell, _ in trios for row in _rows(cell)
    ]
    found = bootstrap_difference(*_committed(own), *_committed(borrowed), clusters=clusters)
    low, high = found or (math.nan, math.nan)
    spec = trios[0][0].record.spec
    return {
        **of_cell(spec),
        "suite": suite,
        "temperature": spec.temperature,
        "seed": spec.seed,
        "n_docs": len(own),
        "n_clusters": len(set(clusters)),
        "finished": finished(own + borrowed),
        "acceptance_base": acceptance_length(_generations(bases)) if len(bases) == len(trios) else math.nan,
        "acceptance_borrowed": acceptance_length(borrowed),
        "acceptance_own": acceptance_length(own),
        "difference": acceptance_length(own) - acceptance_length(borrowed),
        "difference_low": low,
        "difference_high": high,
        "speed_ratio": tokens_per_second(own) / tokens_per_second(borrowed),
    }


def _generations(cells: Sequence[Cell]) -> list[Generation]:
    """In the order of documents, so that two arms of one heat can be paired."""
    return [row.generation() for cell in cells for row in _rows(cell)]


def _rows(cell: Cell) -> list[DocumentRow]:
    return sorted(cell.rows, key=lambda row: row.doc_id)


def _committed(generations: Sequence[Generation]) -> tuple[list[float], list[float]]:
    tokens = [float(sum(r.committed for r in g.rounds)) for g in generations]
    return tokens, [float(g.target_forwards) for g in generations]
