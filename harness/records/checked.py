"""Which records were checked, so that a file is read again only where it may be another one.

    store/.checked.jsonl    may be deleted at any time (`memo.py`)

A record is believed to be as it was checked while its line of the ledger is the same and its file and its rows have the
size, the times and the place that they had: size, modification time, time of the last change of anything about the file
(which no program can set), inode. A file that was written a moment before it was read is not remembered: the next write
might leave its times as they are. `offbook verify --all` believes nothing and reads everything.
"""

import os
import time
from dataclasses import dataclass
from typing import Any

from offbook.harness import records
from offbook.harness.records.cell import Cell
from offbook.harness.records.exam import Exam
from offbook.harness.records.ledger import Line
from offbook.harness.records.made_once import Made
from offbook.harness.records.memo import Memo, code_version
from offbook.harness.records.store import Store

FILE = ".checked.jsonl"
SETTLED_NS = 2_000_000_000  # longer than the clock of any file system takes for a tick


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A record that was checked, now or before; its contents are read when they are asked for.

    Attributes:
        store: where it lies.
        line: of the ledger.
        heat_id: of a cell; "" of an exam.
        made: the artifacts that it was measured on; see `made_once`.
    """

    store: Store
    line: Line
    heat_id: str
    made: tuple[Made, ...] = ()

    def cell(self) -> Cell:
        """The cell, held against its hashes.

        Raises:
            ValueError: it was changed since.
        """
        found = self.store.content(self.line)
        assert isinstance(found, Cell)
        return found

    def exam(self) -> Exam:
        """The exam; see `cell`."""
        found = self.store.content(self.line)
        assert isinstance(found, Exam)
        return found


class Checked:
    """What was found in order before.

    Args:
        store: whose records.
        again: whether to believe nothing.
    """

    def __init__(self, store: Store, *, again: bool = False) -> None:
        self._store, self._now = store, time.time_ns()
        self._memo = Memo(store.root / FILE, code_version(records), forget=again)

    def known(self, line: Line) -> Held | None:
        """A record that need not be read."""
        found = self._memo.get(line.sha256)
        if found is None or found["line"] != _of(line):
            return None
        if found["record"] != _look(self._record(line)) or found["rows"] != _look(self._rows(found["rows_file"])):
            return None
        made = tuple((what, sha256) for what, sha256 in found["made"])
        return Held(store=self._store, line=line, heat_id=found["heat_id"], made=made)

    def look(self, line: Line) -> list[int] | None:
        """What the file of a record looks like; to be asked before it is read."""
        return _look(self._record(line))

    def rows_look(self, rows_file: str) -> list[int] | None:
        """The same of a file of rows."""
        return _look(self._rows(rows_file))

    def remember(self, held: Held, rows_file: str, record: list[int] | None, rows: list[int] | None) -> None:
        """Believes in a record from now on, as its files looked before they were read."""
        if all(look is not None and max(look[1:3]) + SETTLED_NS < self._now for look in (record, rows)):
            value = {
                "line": _of(held.line),
                "heat_id": held.heat_id,
                "made": held.made,
                "record": record,
                "rows_file": rows_file,
                "rows": rows,
            }
            self._memo.put(held.line.sha256, value)

    def agrees(self, heat: str) -> bool:
        """Whether the cells of a heat, by the hash of theirs, were found to agree."""
        return self._memo.get(heat) is True

    def agree(self, heat: str) -> None:
        """Says so."""
        self._memo.put(heat, value=True)

    def save(self) -> None:
        """Writes it down."""
        self._memo.save()

    def _record(self, line: Line) -> str:
        return f"{self._store.root}/records/{line.stem}.json"

    def _rows(self, name: str) -> str:
        return f"{self._store.root}/rows/{name}"


def _of(line: Line) -> list[Any]:
    return [line.kind, line.name, line.key, line.trial, line.of]


def _look(path: str) -> list[int] | None:
    """Size, times and inode; None where there is no such file."""
    try:
        found = os.stat(path)  # noqa: PTH116 (a Path of each takes as long as the call)
    except FileNotFoundError:
        return None
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]
