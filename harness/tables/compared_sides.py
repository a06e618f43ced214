"""What `offbook compare` is given for one side: a folder with records, a file of one record, or a record's key."""

import re
from dataclasses import dataclass
from pathlib import Path

from offbook.engine.paths import user_path
from offbook.engine.quoting import quoted, quoted_path
from offbook.harness.records.cell import Cell
from offbook.harness.records.exam import Exam
from offbook.harness.records.ledger import Line
from offbook.harness.records.record_at import record_at
from offbook.harness.records.store import Store
from offbook.harness.records.verify import whole
from offbook.harness.tables.report import check_store

_KEY = re.compile(r"[0-9a-f]{8,64}")


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side of a comparison.

    Attributes:
        name: as it was asked for.
        cells, exams: its records with their documents.
        single: whether one record was named, which is then compared with whatever the other side names.
    """

    name: str
    cells: tuple[Cell, ...] = ()
    exams: tuple[Exam, ...] = ()
    single: bool = False


def side(what: str, store: Path) -> Side:
    """Reads one side; every record is held against its hashes first.

    Args:
        what: a folder with records, FOLDER/records/NAME.json, or a key, of which eight digits are enough.
        store: the folder with records in which a key is looked up.

    Raises:
        ValueError: none of these, several records of a key, or a damaged record.
    """
    path = user_path(what, what="what to compare")
    if path.is_dir():
        check_store(path)
        held = whole(Store(path))
        return Side(name=what, cells=held.cells, exams=held.exams)
    if path.is_file():
        at = record_at(path)
        if at is None:
            msg = (
                f"{quoted_path(path)}: expected a record of a store, FOLDER/records/NAME.json, found none; `offbook ls "
                "FOLDER` lists them"
            )
            raise ValueError(msg)
        return _single(what, *at)
    if not _KEY.fullmatch(what):
        msg = (
            f"{quoted_path(what)}: expected a folder with records, a file of its records/, or a record's key, found "
            "none of these; `offbook ls FOLDER` lists keys"
        )
        raise ValueError(msg)
    check_store(store)
    found = [line for key, line in Store(store).ledger.lines().items() if key.startswith(what)]
    if len(found) != 1:
        got = f"{len(found)}; write more of the key" if found else "none; name the folder with --store"
        msg = f"{quoted(what)}: expected the key of one record in {store}, found {got}"
        raise ValueError(msg)
    return _single(what, Store(store), found[0])


def _single(what: str, store: Store, line: Line) -> Side:
    content = store.content(line)
    if isinstance(content, Cell):
        return Side(name=what, cells=(content,), single=True)
    return Side(name=what, exams=(content,), single=True)
