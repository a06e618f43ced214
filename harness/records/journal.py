"""Commits records all together or not at all, also when the process is killed between two of them.

    store/pending/<hash12>.json     {"retire": [...], "entries": [...]}; gone when all of it is in the store

What is retired and every record and row that is committed is written down first, in one step; then it is carried out,
and a later process finishes what a killed one began. Every step can be taken twice. Of two processes that ran the same
heat, the first to commit wins and the other's measurements are dropped. A commit costs as much as it holds, however
much the store does.
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
from offbook.harness.records.record import AnyRecord, Entry, read_record, sealed, slug, stem, to_bytes

REMEDY = "delete it, and it is run again"


class Journal:
    """The only writer of a store."""

    def __init__(self, root: Path, ledger: Ledger) -> None:
        self.root, self.ledger = root, ledger

    def commit(self, entries: Sequence[Entry], instead_of: Sequence[str] = ()) -> None:
        """See `Store.commit`."""
        for record, rows in entries:
            check(record, rows)
        with self._lock():
            self._resume()
            lines = self.ledger.lines()
            keys = [record.key for record, _ in entries]
            held = [key for key in keys if key in lines and (self._records / f"{lines[key].stem}.json").is_file()]
            if len(held) == len(keys):
                return
            name = canonical_sha256([keys, [record.started_utc.isoformat() for record, _ in entries]])
            self._carry_out(name, [lines[key] for key in (*keys, *instead_of) if key in lines], entries)

    def retire(self, keys: Sequence[str]) -> None:
        """Removes records together: their lines first, then their rows and their files."""
        with self._lock():
            self._resume()
            lines = self.ledger.lines()
            if retired := [lines[key] for key in keys if key in lines]:
                self._carry_out(canonical_sha256([line.key for line in retired]), retired, [])

    def found(self, trial: str, keys: Sequence[str]) -> None:
        """See `Store.found`."""
        with self._lock():
            self.ledger.found(trial, keys)

    def recover(self) -> None:
        """Finishes what was begun, and sweeps what killed writers left half written."""
        for folder in (self.root, self._pending):
            _sweep(folder)
        if self._paths():
            with self._lock():
                self._resume()

    def named(self) -> set[str]:
        """Records, by the names of their files, that have no line while something is under way."""
        names = set[str]()
        for path in self._paths():
            try:
                retire, entries = self._read(path)
            except ValueError:
                if path.exists():
                    raise
                continue  # it has just been carried out
            names.update(f"{old['name']}-{old['key'][:12]}" for old in retire)
            names.update(stem(record) for record, _ in entries)
        return names

    def _carry_out(self, name: str, retire: Sequence[Line], entries: Sequence[Entry]) -> None:
        content = {
            "retire": [{"name": line.name, "key": line.key, "sha256": line.sha256} for line in retire],
            "entries": [
                {
                    "record": sealed(record, rows)[0].model_dump(mode="json"),
                    "rows": [r.model_dump(mode="json") for r in rows],
                }
                for record, rows in entries
            ],
        }
        path = self._pending / f"{name[:12]}.json"
        atomic_write_bytes(path, json.dumps(content, allow_nan=False).encode())
        self._finish(path)

    def _resume(self) -> None:
        """Finishes what a process began that is gone, for whoever is at it holds the lock."""
        if paths := self._paths():
            for folder in (self._records, self._rows):  # nobody writes there without a file in pending/
                _sweep(folder)
            for path in paths:
                self._finish(path)

    def _finish(self, path: Path) -> None:
        retire, entries = self._read(path)
        fresh = [sealed(record, rows) for record, rows in entries]
        ours = {record.key: record for record, _ in fresh}
        gone = [old for old in retire if old["key"] not in ours or ours[old["key"]].sha256 != old["sha256"]]
        self.ledger.retire((old["key"], old["sha256"]) for old in gone)
        for old in gone:
            self._remove(f"{old['name']}-{old['key'][:12]}", ours.get(old["key"]))
        for record, data in fresh:
            write_once(self._rows / record.rows_file, data)
            place = self._records / f"{stem(record)}.json"
            if not write_once(place, to_bytes(record)) and not _is(place, record):
                place.unlink()  # without a line it is nothing
                write_once(place, to_bytes(record))
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

    def _remove(self, name: str, ours: AnyRecord | None) -> None:
        """Removes the files of a retired record, rows first, but for those of the one that takes its place."""
        place, kept = self._records / f"{name}.json", "" if ours is None else ours.rows_file
        try:
            rows = [self._rows / read_record(place).rows_file]
        except (ValueError, FileNotFoundError):  # then nobody says which its rows are
            rows = sorted(self._rows.glob(f"{name}-*.jsonl"))
        for path in rows:
            if path.name != kept:
                path.unlink(missing_ok=True)
        if ours is None or not _is(place, ours):
            place.unlink(missing_ok=True)

    def _read(self, path: Path) -> tuple[list[dict[str, str]], list[Entry]]:
        content = read_json(path, what="a commit under way", remedy=REMEDY)
        try:
            retire = [{name: str(old[name]) for name in ("name", "key", "sha256")} for old in content["retire"]]
            return retire, [_entry(entry) for entry in content["entries"]]
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


def _sweep(folder: Path) -> None:
    for path in left_over(folder):
        remove(path)


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


def _is(path: Path, record: AnyRecord) -> bool:
    try:
        return read_record(path).sha256 == record.sha256
    except (ValueError, FileNotFoundError):
        return False
