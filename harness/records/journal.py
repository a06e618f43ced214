"""Commits records all together or not at all, also when the process is killed between two of them.

    store/pending/<hash12>.json     every record and row of one commit; gone when all of it is in the store

The whole commit is written down first, in one step; then its parts are put in place, and a later process finishes what
a killed one began. Every step can be taken twice. Of two processes that ran the same heat, the first to commit wins and
the other's measurements are dropped.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock
from pydantic import ValidationError

from offbook.engine.files import atomic_write_bytes, left_over, remove, write_once
from offbook.engine.text import read_json
from offbook.harness.records.cell import CellRecord
from offbook.harness.records.document_row import DocumentRow
from offbook.harness.records.exam import AnswerRow, ExamRecord
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.ledger import Ledger, Line
from offbook.harness.records.record import AnyRecord, Entry, read_record, sealed, slug, stem

REMEDY = "delete it, and it is run again"


class Journal:
    """The only writer of a store."""

    def __init__(self, root: Path, ledger: Ledger) -> None:
        self.root, self.ledger = root, ledger

    def commit(self, entries: Sequence[Entry]) -> None:
        """See `Store.commit`."""
        for record, rows in entries:
            check(record, rows)
        with self._lock():
            self._finish()
            lines = self.ledger.lines()
            keys = [record.key for record, _ in entries]
            held = [key for key in keys if key in lines and (self._records / f"{lines[key].stem}.json").is_file()]
            if len(held) == len(keys):
                return
            content = {
                "retire": [key for key in keys if key in lines],
                "entries": [
                    {
                        "record": sealed(record, rows)[0].model_dump(mode="json"),
                        "rows": [r.model_dump(mode="json") for r in rows],
                    }
                    for record, rows in entries
                ],
            }
            name = canonical_sha256([keys, [record.started_utc.isoformat() for record, _ in entries]])[:12]
            atomic_write_bytes(self._pending / f"{name}.json", json.dumps(content, allow_nan=False).encode())
            self._finish()

    def recover(self) -> None:
        """Finishes every commit that was begun, and sweeps what killed writers left half written."""
        for folder in (self.root, self._records, self._rows, self._pending):
            for path in left_over(folder):
                remove(path)
        if self._pending.is_dir():
            with self._lock():
                self._finish()

    def names(self, name: str) -> bool:
        """Whether a commit under way is going to give the record of this file its line."""
        if not self._pending.is_dir():
            return False
        return any(stem(record) == name for path in self._paths() for record, _ in self._read(path)[1])

    def retire(self, key: str) -> None:
        """Removes a record: its line first, then its file and its rows."""
        with self._lock():
            self._retire(key)

    def _retire(self, key: str) -> None:
        self.ledger.remove([key])
        for folder, pattern in ((self._records, f"*-{key[:12]}.json"), (self._rows, f"*-{key[:12]}-*.jsonl")):
            for path in sorted(folder.glob(pattern)):
                path.unlink()

    def _finish(self) -> None:
        for path in self._paths():
            retire, entries = self._read(path)
            fresh = [sealed(record, rows) for record, rows in entries]
            lines = self.ledger.lines()
            for key in retire:
                ours = next(record for record, _ in fresh if record.key == key)
                if key in lines and lines[key].sha256 != ours.sha256:
                    self._retire(key)
            for record, data in fresh:
                write_once(self._rows / record.rows_file, data)
                place = self._records / f"{stem(record)}.json"
                if not write_once(place, _bytes(record)) and not _is(place, record):
                    place.unlink()  # without a line it is nothing
                    write_once(place, _bytes(record))
            self.ledger.append(
                Line(
                    kind=record.kind,
                    name=slug(record),
                    key=record.key,
                    sha256=record.sha256,
                    trial=record.trial,
                    of=len(fresh),
                )
                for record, _ in fresh
            )
            path.unlink()

    def _read(self, path: Path) -> tuple[list[str], list[Entry]]:
        content = read_json(path, what="a commit under way", remedy=REMEDY)
        try:
            return list(content["retire"]), [_entry(entry) for entry in content["entries"]]
        except (KeyError, TypeError, ValidationError) as error:
            msg = f"{path}: expected a commit under way, got something else; {REMEDY}"
            raise ValueError(msg) from error

    def _paths(self) -> list[Path]:
        return sorted(self._pending.glob("[!.]*.json"))

    def _lock(self) -> FileLock:
        self.root.mkdir(parents=True, exist_ok=True)
        return FileLock(self.root / ".lock")

    @property
    def _pending(self) -> Path:
        return self.root / "pending"

    @property
    def _records(self) -> Path:
        return self.root / "records"

    @property
    def _rows(self) -> Path:
        return self.root / "rows"


def check(record: AnyRecord, rows: Sequence[Any]) -> None:
    """Refuses what no reader would take.

    Raises:
        ValueError: a key that is not the specification's, or other documents.
    """
    if record.key != (expected := record.spec.key()):
        msg = f"expected key {expected[:12]} of the specification of the record to commit, got {record.key[:12]}"
        raise ValueError(msg)
    record.check_rows(rows)


def _entry(content: Any) -> Entry:
    kinds: tuple[Any, Any] = (
        (CellRecord, DocumentRow) if content["record"]["kind"] == "cell" else (ExamRecord, AnswerRow)
    )
    record = kinds[0].model_validate_json(json.dumps(content["record"]))
    return record, [kinds[1].model_validate_json(json.dumps(row)) for row in content["rows"]]


def _bytes(record: AnyRecord) -> bytes:
    return (record.model_dump_json(indent=1) + "\n").encode()


def _is(path: Path, record: AnyRecord) -> bool:
    try:
        return read_record(path).sha256 == record.sha256
    except ValueError:
        return False
