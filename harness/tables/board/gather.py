"""What the board is made of, from what a writer of tables has at hand."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from offbook.harness.records.store import Store
from offbook.harness.records.verify import Verified
from offbook.harness.tables.board.face import Link
from offbook.harness.tables.board.links import from_page, of_cross, of_decoders, of_students
from offbook.harness.tables.board.sections import Shown
from offbook.harness.tables.drafters_on_students import cross_table_of
from offbook.harness.tables.progress import Progress
from offbook.harness.tables.ranks import lacking
from offbook.harness.tables.told import Cells

BESIDE = (
    *("LEADERBOARD.md", "leaderboard.csv", "decoder_comparisons.csv", "cross.csv", "published.csv"),
    *("STUDENTS.md", "students.csv", "student_comparisons.csv", "LOG.md"),
)


def gather(
    store: Store,
    folder: Path,
    *,
    held: Verified,
    cells: Cells,
    decoders: pd.DataFrame | None,
    students: pd.DataFrame | None,
    progress: Progress | None,
) -> Shown:
    """What the board shows.

    Args:
        store: of the records.
        folder: where the page goes, beside its tables, which are there.
        held: what the store holds.
        cells: those of it.
        decoders: the leaderboard, where there is one.
        students: their table, where there is one.
        progress: how far the plan behind them is.
    """
    records = from_page(folder, store.root / "records")
    lines = [one.line for one in held.held if one.line.kind == "cell"]
    return Shown(
        decoders=pd.DataFrame() if decoders is None else decoders,
        students=pd.DataFrame() if students is None else students,
        cross=lacking(cross_table_of(cells), progress),
        decoder_files=of_decoders(cells, lines, records),
        student_files=of_students(held.exams, records),
        cross_files=of_cross(cells, lines, records),
        manifests=cells.manifests,
        exams=[exam.record.manifest for exam in held.exams],
        progress=progress,
        folder=store.root,
        files=tuple(_beside(store.root, folder)),
    )


def _beside(root: Path, folder: Path) -> Iterator[Link]:
    """Tables beside the page, and the proofs of losslessness of a store."""
    for name in BESIDE:
        if (folder / name).is_file():
            yield Link(name, name)
    for path in sorted((root / "certificates").glob("*.json")):
        yield Link(from_page(folder, path), f"certificate of {path.stem}")
