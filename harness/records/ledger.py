"""The ledger: one line for every committed record, and nothing counts that has none.

    store/ledger.jsonl    {"kind": "cell" or "exam", "name", "key", "sha256", "trial", "of"}
                          {"kind": "retired", "key", "sha256"}
                          {"kind": "found", "trial", "keys", "sha256"}

`sha256` is the record's own hash, so an edited record and its line disagree. A line is written after the record it
names. A retirement holds for its record wherever it stands, so lines stand for themselves: two ledgers are merged by
writing one behind the other, in any order. A trial that found its records there, made by another one, says so.

Nothing heavy is imported: a worker reads this before it has taken its stage.
"""

import json
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from offbook.engine.files import atomic_write_bytes, writing
from offbook.engine.quoting import quoted, ranges
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.json_file import no_duplicates

FILE = "ledger.jsonl"
Kind = Literal["cell", "exam"]
Named = tuple[str, str]  # key and hash: one version of a record


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A committed record.

    Attributes:
        kind: of record.
        name: of its file, without the key.
        key: of the record.
        sha256: its own hash.
        trial: key of the trial that made it; "" where it had none.
        of: records that were committed together with it, itself included, so that a heat that lost one is known.
    """

    kind: Kind
    name: str
    key: str
    sha256: str
    trial: str = ""
    of: int

    @property
    def stem(self) -> str:
        """Of its file."""
        return f"{self.name}-{self.key[:12]}"

    @property
    def named(self) -> Named:
        """Which version of a record it is."""
        return self.key, self.sha256


class Ledger:
    """The lines of one store, read on where the file has grown; a last line without its end is none."""

    def __init__(self, root: Path) -> None:
        self.path = root / FILE
        self._forget()

    def lines(self) -> Mapping[str, Line]:
        """Lines of the records that count, by key.

        Raises:
            ValueError: a line that is none, or two of one key that disagree.
        """
        self._read()
        return self._lines

    def has_trial(self, trial: str, there: Callable[[Line], bool]) -> bool:
        """Whether everything that a trial committed, or found, counts and is `there`; never of ""."""
        self._read()
        if not trial:
            return False
        made = [line for line in self._trials.get(trial, ()) if self._lines.get(line.key) == line and there(line)]
        if made and all(line.of == len(made) for line in made):
            return True
        return any(
            all((line := self._lines.get(key)) is not None and there(line) for key in keys)
            for keys in self._found.get(trial, ())
        )

    def of_trial(self, trial: str) -> list[Line]:
        """The lines of what one trial committed, but for what was retired."""
        lines = self.lines()
        return [line for line in self._trials.get(trial, ()) if lines.get(line.key) == line]

    def behind(self, trial: str) -> list[Line]:
        """The same, or, where it committed nothing, the lines of what it found there."""
        lines = self.lines()  # which reads the file, and what was found with it
        found = [lines[key] for keys in self._found.get(trial, ())[-1:] for key in keys if key in lines]
        return self.of_trial(trial) or found

    def places(self) -> dict[str, list[int]]:
        """The numbers of the lines about each record, by its key, as an editor counts them.

        Raises:
            ValueError: a line that is none.
        """
        found = defaultdict[str, list[int]](list)
        for number, text in enumerate(self.path.read_bytes().split(b"\n")[:-1], 1):
            found[_named(_parsed(text, self.path, number))[0]].append(number)
        return found

    def append(self, lines: Iterable[Line]) -> None:
        """Adds records; those that are there already are left out."""
        known = self.lines()
        fresh = [line for line in lines if known.get(line.key) != line]
        if revived := {line.named for line in fresh} & self._retired:
            texts = self.path.read_bytes()[: self._end].splitlines(keepends=True)
            atomic_write_bytes(self.path, b"".join(text for text in texts if _named(_parsed(text)) not in revived))
        self._write(asdict(line) for line in fresh)

    def retire(self, named: Iterable[Named]) -> None:
        """Takes records out."""
        self._read()
        fresh = [one for one in named if one not in self._retired]
        self._write({"kind": "retired", "key": key, "sha256": sha256} for key, sha256 in fresh)

    def found(self, trial: str, keys: Sequence[str]) -> None:
        """Says that a trial found its records there."""
        self._read()
        if tuple(keys) not in self._found.get(trial, ()):
            self._write([{"kind": "found", "trial": trial, "keys": [*keys], "sha256": _hash(trial, keys)}])

    def _write(self, contents: Iterable[Mapping[str, Any]]) -> None:
        """Adds lines in one synced write, behind the last whole one."""
        data = "".join(json.dumps(content, separators=(",", ":")) + "\n" for content in contents).encode("ascii")
        if not data:
            return
        if not self.path.exists():
            atomic_write_bytes(self.path, data)
            return
        self._read()  # to know where the last whole line ends
        with writing(self.path), self.path.open("r+b", buffering=0) as file:  # nothing is written again on closing
            file.truncate(self._end)
            file.seek(self._end)
            while data:
                data = data[file.write(data) :]
            os.fsync(file.fileno())

    def _forget(self) -> None:
        self._stamp: tuple[int, int, int] | None = None
        self._end, self._count, self._last = 0, 0, b""  # what was read: bytes, lines, and the last of them
        self._lines: dict[str, Line] = {}
        self._trials: dict[str, list[Line]] = {}
        self._retired: set[Named] = set()
        self._found: dict[str, list[tuple[str, ...]]] = {}

    def _read(self) -> None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            self._forget()
            return
        stamp = (found.st_ino, found.st_size, found.st_mtime_ns)
        if stamp == self._stamp:
            return
        if self._stamp is None or stamp[0] != self._stamp[0] or stamp[1] <= self._stamp[1]:
            self._forget()  # no file that has only grown
        with self.path.open("rb") as file:
            file.seek(self._end - len(self._last))
            data = file.read()
            if not data.startswith(self._last):  # another file than the one that was read
                self._forget()
                file.seek(0)
                data = file.read()
        whole = data[len(self._last) : data.rfind(b"\n") + 1]
        try:
            self._take(whole)
        except ValueError:
            self._forget()
            raise
        if whole:
            self._end += len(whole)
            self._count += whole.count(b"\n")
            self._last = whole[whole.rfind(b"\n", 0, -1) + 1 :]
        self._stamp = stamp

    def _take(self, data: bytes) -> None:
        """Takes note of whole lines: retirements first, for they hold wherever they stand."""
        contents = [
            (number, _parsed(text, self.path, number))
            for number, text in enumerate(data.split(b"\n")[:-1], self._count + 1)
        ]
        for _, content in contents:
            if not isinstance(content, Line) and content["kind"] == "retired":
                self._retired.add(named := _named(content))
                if named[0] in self._lines and self._lines[named[0]].named == named:
                    del self._lines[named[0]]
        for number, content in contents:
            if isinstance(content, Line):
                if content.named not in self._retired:
                    self._add(content, number)
            elif content["kind"] == "found":
                self._found.setdefault(content["trial"], []).append(tuple(content["keys"]))

    def _add(self, line: Line, number: int) -> None:
        known = self._lines.setdefault(line.key, line)
        if known is line:
            self._trials.setdefault(line.trial, []).append(line)
        elif known != line:
            others = self._without_record()
            way = f"delete the lines whose hashes no record has: {ranges(others)}" if others else "restore the file"
            msg = f"{self.path}, line {number}: expected one line for {line.key[:12]}, got another before; {way}"
            raise ValueError(msg)

    def _without_record(self) -> list[int]:
        """Of lines that disagree about a record, the numbers of those that are of another version than its file."""
        lines = defaultdict[str, dict[int, Line]](dict)
        for number, text in enumerate(self.path.read_bytes().split(b"\n")[:-1], 1):
            content = _parsed(text, self.path, number)
            if isinstance(content, Line) and content.named not in self._retired:
                lines[content.key][number] = content
        doubled = [(n, line) for found in lines.values() if len({*found.values()}) > 1 for n, line in found.items()]
        return sorted(n for n, line in doubled if not self._is_of_file(line))

    def _is_of_file(self, line: Line) -> bool:
        try:
            return line.sha256.encode() in (self.path.parent / "records" / f"{line.stem}.json").read_bytes()
        except OSError:
            return False


_AS_WRITTEN = re.compile(
    r'\{"kind":"(cell|exam)","name":"([a-z0-9-]*)","key":"([0-9a-f]*)","sha256":"([0-9a-f]*)","trial":"([0-9a-f]*)",'
    r'"of":([1-9][0-9]{0,8})\}'
)
_OF_RECORD: dict[str, type] = {"name": str, "key": str, "sha256": str, "trial": str, "of": int}
_FIELDS: dict[str, dict[str, type]] = {
    "cell": _OF_RECORD,
    "exam": _OF_RECORD,
    "retired": {"key": str, "sha256": str},
    "found": {"trial": str, "keys": list, "sha256": str},
}


def _parsed(text: bytes, path: Path | None = None, number: int = 0) -> Line | dict[str, Any]:
    """A line of the file."""
    if found := _AS_WRITTEN.fullmatch(text.decode("ascii", "replace")):  # then nothing stands there twice
        kind, name, key, sha256, trial, of = found.groups()
        return Line(
            kind="cell" if kind == "cell" else "exam", name=name, key=key, sha256=sha256, trial=trial, of=int(of)
        )
    try:
        content = json.loads(text.decode(), object_pairs_hook=no_duplicates)
        return _checked(content)
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        msg = f"{path}, line {number}: expected a line of the ledger, got {reason:.200}; restore the file"
        raise ValueError(msg) from error


def _checked(content: Any) -> Line | dict[str, Any]:
    if not isinstance(content, dict) or (wanted := _FIELDS.get(str(content.get("kind")))) is None:
        raise ValueError(quoted(content))
    kind = content["kind"]
    if content.keys() - {"kind"} != wanted.keys() or any(
        type(content[name]) is not what for name, what in wanted.items()
    ):
        msg = f"{quoted(content)} where a line of kind {kind} has {', '.join(wanted)}"
        raise ValueError(msg)
    if kind == "found" and content["sha256"] != _hash(content["trial"], content["keys"]):
        msg = "one that was edited: its hash is another"
        raise ValueError(msg)
    if kind not in ("cell", "exam"):
        return content
    if content["of"] < 1:
        msg = f"{content['of']} records that were committed together"
        raise ValueError(msg)
    return Line(**content)


def _named(content: Line | dict[str, Any]) -> Named:
    """The record that a line is about; ("", hash) where it is about several."""
    return content.named if isinstance(content, Line) else (content.get("key", ""), content["sha256"])


def _hash(trial: str, keys: Sequence[str]) -> str:
    return canonical_sha256([trial, *keys])
