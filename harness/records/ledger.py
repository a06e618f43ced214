"""The ledger: one line for every committed record, and nothing counts that has none.

    store/ledger.jsonl    {"kind", "name", "key", "sha256", "trial", "of"}

`sha256` is the record's own hash, so an edited record and its line disagree; `of` is how many records were committed
with it, so that a heat that lost one is known by its other lines. A line is written after the record it names. Lines
stand for themselves: two ledgers are merged by writing one behind the other.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from offbook.engine.complaints import complaint
from offbook.engine.files import atomic_write_bytes, writing
from offbook.harness.records.json_file import no_duplicates
from offbook.harness.records.strict import AtRest, Positive

FILE = "ledger.jsonl"
Kind = Literal["cell", "exam"]


class Line(AtRest):
    """A committed record.

    Attributes:
        kind: of record.
        name: of its file, without the key.
        key: of the record.
        sha256: its own hash.
        trial: key of the trial that made it; "" where it had none.
        of: records that were committed together with it, itself included.
    """

    kind: Kind
    name: str
    key: str
    sha256: str
    trial: str = ""
    of: Positive

    @property
    def stem(self) -> str:
        """Of its file."""
        return f"{self.name}-{self.key[:12]}"


class Ledger:
    """The lines of one store, read again when the file has changed; a last line without its end is none."""

    def __init__(self, root: Path) -> None:
        self.path = root / FILE
        self._stamp: tuple[int, int] | None = None
        self._lines: dict[str, Line] = {}
        self._trials: dict[str, list[Line]] = {}

    def lines(self) -> dict[str, Line]:
        """Lines by key.

        Raises:
            ValueError: a line that is none, or two of one key that disagree.
        """
        self._read()
        return self._lines

    def of_trial(self, trial: str) -> list[Line]:
        """What one trial left; none for ""."""
        self._read()
        return self._trials.get(trial, []) if trial else []

    def append(self, lines: Iterable[Line]) -> None:
        """Adds lines, in one synced write, behind the last whole one; those that are there already are left out."""
        known = self.lines()
        fresh = [line for line in lines if known.get(line.key) != line]
        if not fresh:
            return
        data = "".join(line.model_dump_json() + "\n" for line in fresh).encode()
        if not self.path.exists():
            atomic_write_bytes(self.path, data)
            self._learn(fresh)
            return
        with writing(self.path), self.path.open("r+b") as file:
            file.seek(0, os.SEEK_END)
            file.truncate(_whole(self.path))
            file.seek(0, os.SEEK_END)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        self._learn(fresh)

    def remove(self, keys: Iterable[str]) -> None:
        """Takes lines out, in one step."""
        gone = set(keys)
        kept = {key: line for key, line in self.lines().items() if key not in gone}
        if kept != self._lines:
            atomic_write_bytes(self.path, "".join(line.model_dump_json() + "\n" for line in kept.values()).encode())

    def _learn(self, fresh: Iterable[Line]) -> None:
        """Takes note of lines that were just written, so that a commit does not read all others again."""
        for line in fresh:
            self._lines[line.key] = line
            self._trials.setdefault(line.trial, []).append(line)
        found = self.path.stat()
        self._stamp = (found.st_size, found.st_mtime_ns)

    def _read(self) -> None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            self._stamp, self._lines, self._trials = None, {}, {}
            return
        stamp = (found.st_size, found.st_mtime_ns)
        if stamp == self._stamp:
            return
        lines: dict[str, Line] = {}
        trials: dict[str, list[Line]] = {}
        data = self.path.read_bytes()
        for number, text in enumerate(data[: data.rfind(b"\n") + 1].splitlines(), start=1):
            line = self._line(text, number)
            if lines.setdefault(line.key, line) != line:
                msg = f"{self.path}, line {number}: expected one line for {line.key[:12]}, got another before; keep one"
                raise ValueError(msg)
        for line in lines.values():
            trials.setdefault(line.trial, []).append(line)
        self._stamp, self._lines, self._trials = stamp, lines, trials

    def _line(self, text: bytes, number: int) -> Line:
        try:
            line = Line.model_validate_json(text)
            if line.model_dump_json().encode() != text:  # written by another hand: a name may stand there twice
                json.loads(text, object_pairs_hook=no_duplicates)
            return line
        except ValidationError as error:
            reason = complaint(error).told("the whole")
        except (ValueError, RecursionError) as error:
            reason = " ".join(str(error).split())
        msg = f"{self.path}, line {number}: expected a line of the ledger, got {reason:.200}; restore the file"
        raise ValueError(msg)


def _whole(path: Path) -> int:
    """Bytes up to the end of the last whole line."""
    return path.read_bytes().rfind(b"\n") + 1
