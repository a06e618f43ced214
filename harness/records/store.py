"""The store: a folder of committed records that is never half there and needs no index.

    store/records/<slug>-<key12>.json           one cell; its presence means done
    store/rows/<slug>-<key12>-<hash8>.jsonl     the cell's documents, one a line

Rows are written first under a name that their content determines, the small record last: the record is the
commit. It is linked into place, so of two workers on one cell the first wins and nothing is overwritten.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from offbook.engine.complaints import complaint
from offbook.engine.files import write_once
from offbook.engine.quoting import quoted
from offbook.harness.records.cell import (
    SCHEMA_VERSION,
    CellSpec,
    DocumentRow,
    Record,
    rows_from_bytes,
    rows_to_bytes,
)


class Store:
    """A folder of records; made on the first commit."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def has(self, key: str) -> bool:
        """Whether the cell of this key (`CellSpec.key()`) is committed."""
        return any(_key12(path) == key[:12] for path in self._record_paths())

    def commit(self, record: Record, rows: Sequence[DocumentRow]) -> Record:
        """Makes a cell done: writes its rows, then the record that names them.

        Returns:
            The record that is in the store now: this one with `rows_file` and `rows_sha256` filled in, or the earlier
            one if the cell was committed before (it stays as it is).

        Raises:
            ValueError: a key that is not the specification's, or rows that are not the specification's documents.
        """
        _check_rows(record, rows)
        data = rows_to_bytes(rows)
        digest = hashlib.sha256(data).hexdigest()
        name = f"{_slug(record.spec)}-{record.key[:12]}"
        record = record.model_copy(update={"rows_file": f"{name}-{digest[:8]}.jsonl", "rows_sha256": digest})
        _check_key(record, "the record to commit")
        path = self._records / f"{name}.json"
        rows_path = self._rows / record.rows_file
        if path.exists():
            return _read(path)
        write_once(rows_path, data)
        if write_once(path, (record.model_dump_json(indent=1) + "\n").encode()):
            return record
        winner = _read(path)
        if winner.rows_file != record.rows_file:
            rows_path.unlink(missing_ok=True)
        return winner

    def records(self) -> list[Record]:
        """All records, ordered by file name.

        Raises:
            ValueError: a file that is no record of this version; one line, with the file's name.
        """
        return [_read(path) for path in self._record_paths()]

    def rows(self, record: Record) -> list[DocumentRow]:
        """The documents of a committed record.

        Raises:
            ValueError: the sidecar is missing, changed since the commit, or not the record's documents.
        """
        path = self._rows / record.rows_file
        if not record.rows_file or not path.is_file():
            raise ValueError(_damaged(record, f"expected its rows in rows/{record.rows_file}, found no such file"))
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        if digest != record.rows_sha256:
            problem = f"expected SHA-256 {record.rows_sha256[:12]} of {path.name}, got {digest[:12]}"
            raise ValueError(_damaged(record, problem))
        try:
            rows = rows_from_bytes(data)
        except ValidationError as error:  # the hash is right, so another version of offbook wrote them
            problem = f"expected rows of this version of offbook, got {complaint(error).told('the whole')}"
            raise ValueError(_damaged(record, problem)) from error
        _check_rows(record, rows)
        return rows

    def retire(self, key: str) -> None:
        """Removes a cell that another one has replaced: its record first, which makes it undone, then its rows."""
        for path in [path for path in self._record_paths() if _key12(path) == key[:12]]:
            path.unlink()
        for path in self._rows.glob(f"*-{key[:12]}-*.jsonl"):
            path.unlink()

    def verify(self) -> int:
        """Reads everything and checks it against its hashes; returns the number of records.

        Raises:
            ValueError: the first damage found, in one line.
        """
        records = self.records()
        for record in records:
            self.rows(record)
        return len(records)

    @property
    def _records(self) -> Path:
        return self.root / "records"

    @property
    def _rows(self) -> Path:
        return self.root / "rows"

    def _record_paths(self) -> list[Path]:
        return sorted(path for path in self._records.glob("*.json") if not path.name.startswith("."))


def _read(path: Path) -> Record:
    try:
        content: Any = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        message = f"{path.name}: expected a record in JSON, got a file that does not parse; restore it or delete it"
        raise ValueError(message) from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version != SCHEMA_VERSION:
        message = (
            f"{path.name}: expected schema_version {SCHEMA_VERSION}, got {quoted(version)}; upgrade offbook to read it"
        )
        raise ValueError(message)
    try:
        record = Record.model_validate_json(path.read_bytes())
    except ValidationError as error:
        message = f"{path.name}: {complaint(error, content).told('the whole')}; restore the record or delete it"
        raise ValueError(message) from error
    _check_key(record, path.name)
    if _key12(path) != record.key[:12]:
        message = (
            f"{path.name}: expected the record of key {_key12(path)}, got {record.key[:12]}; restore it or delete it"
        )
        raise ValueError(message)
    return record


def _check_key(record: Record, name: str) -> None:
    expected = record.spec.key()
    if record.key != expected:
        message = (
            f"{name}: expected key {expected[:12]} of its specification, got {record.key[:12]}; "
            "the specification was changed after the run, so run the cell again"
        )
        raise ValueError(message)


def _check_rows(record: Record, rows: Sequence[DocumentRow]) -> None:
    ids = {row.doc_id for row in rows}
    if len(rows) != record.spec.n_docs or len(ids) != len(rows):
        problem = f"expected {record.spec.n_docs} different documents, got {len(rows)} rows of {len(ids)} documents"
        raise ValueError(_damaged(record, problem))
    without = next((row.doc_id for row in rows if record.metric not in row.scores), None)
    if without is not None:
        raise ValueError(
            _damaged(record, f"expected a score {quoted(record.metric)} on every row, document {without} has none")
        )


def _damaged(record: Record, problem: str) -> str:
    return f"{_slug(record.spec)}-{record.key[:12]}: {problem}; run the cell again in a new store"


def _slug(spec: CellSpec) -> str:
    """A readable file name of harmless characters; what tells cells apart is the key behind it."""
    text = f"{spec.suite}-{spec.decoder}-t{spec.temperature:g}-s{spec.seed}"
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:80] or "cell"


def _key12(path: Path) -> str:
    return path.stem.rsplit("-", 1)[-1]
