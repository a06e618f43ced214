"""All tables of a run's folder, also while the run goes on."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from offbook.engine.collection import collected_later
from offbook.harness.records.exam import Exam
from offbook.harness.records.store import Store
from offbook.harness.records.verify import whole
from offbook.harness.tables.board.gather import gather
from offbook.harness.tables.board.page import write_board
from offbook.harness.tables.board.sections import Shown
from offbook.harness.tables.decoders import write_leaderboard
from offbook.harness.tables.progress import Progress
from offbook.harness.tables.students_markdown import write_students
from offbook.harness.tables.told import Cells

SHARE = 0.01  # of a run's time that may go into its tables

Known = Progress | Callable[[], Progress | None] | None


class Written(NamedTuple):
    """What was written, for who shows it too.

    Attributes:
        decoders, students: the tables; None of what the run has nothing of, and is not expected to have.
        cells, exams: what they are of.
        progress: how far the plan behind them is, where there is one.
        board: what leaderboard.html shows.
    """

    decoders: pd.DataFrame | None
    students: pd.DataFrame | None
    cells: Cells
    exams: Sequence[Exam]
    progress: Progress | None
    board: Shown


@collected_later()
def write_all(
    store: Store,
    folder: Path,
    *,
    progress: Known = None,
) -> Written:
    """Writes the tables of decoders and of students, and the page that shows both.

    Args:
        store: of the records.
        folder: where the tables go.
        progress: how far the plan behind them is, or who tells it.

    Raises:
        DamagedError: a damaged store.
    """
    progress = progress() if callable(progress) else progress
    held = whole(store)
    cells = Cells.held(store, held.held)
    kinds = {} if progress is None else progress.kinds
    decoders = students = None
    if cells or "heat" in kinds:
        decoders = write_leaderboard(store, folder, cells=cells, progress=progress)
    if held.exams or "exam" in kinds:
        students = write_students(store.root, folder, exams=held.exams, progress=progress)
    board = gather(store, folder, held=held, cells=cells, decoders=decoders, students=students, progress=progress)
    if decoders is not None or students is not None:
        write_board(folder, board)
    return Written(decoders, students, cells, held.exams, progress, board)


class Writer:
    """Keeps the tables of a run behind it: at most every few seconds, and for at most a hundredth of its time.

    Attributes:
        every_s: seconds between two writings, or more where writing takes long.
    """

    def __init__(
        self, store: Store, folder: Path, every_s: float = 5.0, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.store, self.folder, self.every_s = store, folder, every_s
        self._clock = clock
        self._due = clock()

    def update(self, progress: Known = None) -> None:
        """Writes what the store holds now, if it is time again; `progress` is asked only then."""
        if self._clock() >= self._due:
            self.finish(progress)

    def finish(self, progress: Known = None) -> Written:
        """Writes what the store holds now."""
        began = self._clock()
        written = write_all(self.store, self.folder, progress=progress)
        ended = self._clock()
        self._due = ended + max(self.every_s, (ended - began) / SHARE)
        return written
