"""The store: a folder of committed records of every kind, which is never half there.

    store/records/<slug>-<key12>.json           one cell or one exam
    store/rows/<slug>-<key12>-<hash8>.jsonl     its documents, one a line
    store/ledger.jsonl                          a line for each record; a record without one does not count
    store/pending/<hash12>.json                 a commit under way (`journal.py`)

Rows are written first under a name that their content determines, then the record, then its line. Of two processes on
one cell the first to commit wins, and nothing is overwritten.
"""

import hashlib
import os
from collections.abc import Sequence
from errno import ENOENT
from pathlib import Path
from typing import Any, Literal

from offbook.engine.quoting import quoted
from offbook.harness.records.cell import Cell, CellRecord
from offbook.harness.records.exam import Exam, ExamRecord
from offbook.harness.records.journal import Journal
from offbook.harness.records.ledger import Kind, Ledger, Line
from offbook.harness.records.record import AnyRecord, Entry, read_record, rows_from_bytes, stem


class Store:
    """A folder of records; made on the first commit."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ledger = Ledger(root)
        self._journal = Journal(root, self.ledger)

    def commit(self, entries: Sequence[Entry], *, instead_of: Sequence[str] = ()) -> list[AnyRecord]:
        """Makes records done, all together or not at all.

        Args:
            entries: records with their documents.
            instead_of: keys of records that go when these come.

        Returns:
            The records that are in the store under these keys, in this order: these, with their files and hashes
            filled in, or those of whoever was first. Where only some of them were left, all are replaced, because
            speeds compare inside of one heat only.

        Raises:
            ValueError: a key that is not the specification's, or rows that are not the specification's documents.
            FileNotFoundError: somebody has removed the ledger meanwhile.
        """
        self._journal.commit(entries, instead_of)
        lines = self.ledger.lines()
        if not all(record.key in lines for record, _ in entries):
            raise FileNotFoundError(ENOENT, os.strerror(ENOENT), str(self.ledger.path))
        return [read_record(self._path(lines[record.key])) for record, _ in entries]

    def recover(self) -> None:
        """Finishes what a killed process had begun to commit."""
        self._journal.recover()

    def has(self, key: str) -> bool:
        """Whether a record of this key is committed, and still there."""
        line = self.ledger.lines().get(key)
        return line is not None and self._path(line).is_file()

    def has_trial(self, trial: str) -> bool:
        """Whether everything that one trial committed or found is there."""
        return self.ledger.has_trial(trial, lambda line: self._path(line).is_file())

    def found(self, trial: str, keys: Sequence[str]) -> None:
        """Says that these are a trial's records too, whoever made them: two trials may come to the same cells."""
        if not self.has_trial(trial):
            self._journal.found(trial, keys)

    def held(self, keys: Sequence[str]) -> Literal["all", "some", "none"]:
        """How many of these records are there."""
        found = sum(map(self.has, keys))
        return "all" if found == len(keys) else "some" if found else "none"

    def heat_of(self, key: str) -> list[str]:
        """The keys of a cell's heat, itself included, whose records are there.

        Raises:
            ValueError: one of them is damaged.
        """
        record: CellRecord = self.record(key)  # type: ignore[assignment]  # who asks has a cell
        lines = self.ledger.of_trial(record.trial) if record.trial else self.ledger.lines().values()
        there = [line.key for line in lines if line.kind == "cell" and self._path(line).is_file()]
        return [other for other in there if getattr(self.record(other), "heat_id", "") == record.heat_id]

    def record(self, key: str) -> AnyRecord:
        """One record.

        Raises:
            ValueError: it is not there, or damaged.
        """
        line = self.ledger.lines().get(key)
        if line is None:
            msg = f"{self.root.name}: expected a record {key[:12]}, found none; run it again"
            raise ValueError(msg)
        return self._checked(line)

    def records(self, kind: Kind | None = None) -> list[Any]:
        """All records, or those of a kind, ordered by file name.

        Raises:
            ValueError: the first that is damaged, lost, or without a line of the ledger; one line with the file's name.
        """
        for path in self.strangers():
            raise ValueError(stranger(path))
        lines = {line.stem: line for line in self.ledger.lines().values()}
        return [self._checked(lines[stem]) for stem in sorted(lines) if kind is None or lines[stem].kind == kind]

    def strangers(self) -> list[Path]:
        """Files among the records that no line of the ledger names, nor anything that is under way; and old exams.

        Raises:
            ValueError: a damaged ledger or commit under way.
        """
        names = {f"{line.stem}.json" for line in self.ledger.lines().values()}
        try:
            there = os.listdir(self.root / "records")  # noqa: PTH208 (a Path of each takes ten times as long)
        except FileNotFoundError:
            there = []
        found = [name for name in there if name not in names and name[0] != "." and name.endswith(".json")]
        named = self._journal.named()
        files = [self.root / "records" / name for name in sorted(found) if name.removesuffix(".json") not in named]
        return files + sorted((self.root / "exams").glob("[!.]*.json"))  # where schema 1 had them

    def cells(self) -> list[Cell]:
        """All cells with their documents; see `records` and `rows`."""
        records: list[CellRecord] = self.records("cell")
        return [Cell(record=record, rows=tuple(self.rows(record))) for record in records]

    def exams(self) -> list[Exam]:
        """All exams with their answers; see `records` and `rows`."""
        records: list[ExamRecord] = self.records("exam")
        return [Exam(record, tuple(self.rows(record))) for record in records]

    def content(self, line: Line) -> Cell | Exam:
        """The record of a line with its documents.

        Raises:
            ValueError: see `record` and `rows`.
        """
        record = self._checked(line)
        if record.kind == "cell":
            return Cell(record=record, rows=tuple(self.rows(record)))
        return Exam(record, tuple(self.rows(record)))

    def rows(self, record: AnyRecord) -> list[Any]:
        """The documents of a committed record.

        Raises:
            ValueError: the sidecar is missing, changed since the commit, or not the record's documents.
        """
        path = self.root / "rows" / record.rows_file
        if not record.rows_file or not path.is_file():
            raise ValueError(_damaged(record, f"expected its rows in rows/{record.rows_file}, found no such file"))
        data = path.read_bytes()
        if (digest := hashlib.sha256(data).hexdigest()) != record.rows_sha256:
            problem = f"expected SHA-256 {record.rows_sha256[:12]} of {path.name}, got {digest[:12]}"
            raise ValueError(_damaged(record, problem))
        try:
            rows = rows_from_bytes(record, data)
            record.check_rows(rows)
        except ValueError as error:
            raise ValueError(_damaged(record, str(error))) from error
        return rows

    def retire(self, *keys: str) -> None:
        """Removes records that others have replaced or will: their lines first, which makes them undone."""
        self._journal.retire(keys)

    def retire_rest(self, trial: str) -> list[str]:
        """Removes what is left of a trial that lost a record, for its records count together or not at all.

        What it has only found, the trial that committed it loses as a whole.

        Returns:
            The files that were lost; none of a trial that is whole or was never done.
        """
        lines = self.ledger.behind(trial)
        if not lines or self.has_trial(trial):
            return []
        lost = [f"{line.stem}.json" for line in lines if not self._path(line).is_file()]
        if lost:  # else it is the count of its lines that is wrong
            whole = [other for line in lines for other in (self.ledger.of_trial(line.trial) if line.trial else [line])]
            self.retire(*{line.key: None for line in whole})
        return lost

    def _path(self, line: Line) -> Path:
        return self.root / "records" / f"{line.stem}.json"

    def _checked(self, line: Line) -> AnyRecord:
        path = self._path(line)
        if not path.is_file():
            msg = f"{path.name}: expected the record of a line of the ledger, found none; restore it, or run it again"
            raise ValueError(msg)
        record = read_record(path)
        for name in ("key", "sha256", "kind", "trial"):
            if (told := getattr(line, name)) != (got := getattr(record, name)):
                msg = (
                    f"{path.name}: expected the {name} {quoted(told[:12])} of its line of the ledger, got "
                    f"{quoted(got[:12])}; restore it, or delete it and run it again"
                )
                raise ValueError(msg)
        return record


def stranger(path: Path) -> str:
    """What is wrong with a file among the records that no line of the ledger names."""
    try:
        read_record(path)
    except ValueError as error:  # it is no record of this version at all
        return str(error)
    return (
        f"{path.name}: expected a line of the ledger for every record, found none for this one: it was not committed "
        "here; delete it, or restore the ledger"
    )


def _damaged(record: AnyRecord, problem: str) -> str:
    name = record.rows_file or record.key[:12]
    return f"{name}: {problem}; restore it, or delete {stem(record)}.json and run it again"
