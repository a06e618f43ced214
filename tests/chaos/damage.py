"""What may happen to the files of a run: bits turned, ends cut off, files gone, swapped, stale, edited, hashed again.

Half of what keeps its size keeps its modification time too, and half is written in place, half under a new inode:
whoever remembers a file by how it looks must see it all the same.
"""

import hashlib
import json
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offbook.harness.artifacts.manifest import NAME
from offbook.harness.records.hashing import canonical_sha256

TARGETS: dict[str, tuple[str, ...]] = {
    "records": ("records/*.json",),
    "rows": ("rows/*.jsonl",),
    "ledger": ("ledger.jsonl",),
    "drafters": ("artifacts/drafter-*/*",),
    "students": ("artifacts/student-*/*",),
    "answers": ("artifacts/answers-*/*",),
    "the plan": ("plan.json",),
    "failures": ("failures/*.json",),
    "memories": (
        ".checked.jsonl",
        ".tables.jsonl",
        "artifacts/*/.checked.json",
        "artifacts/tables/**/*",
        "spent.jsonl",
    ),
    "pages": ("*.csv", "*.md"),
}
STORE = ("records", "rows", "ledger")
ARTIFACTS = ("drafters", "students", "answers")
HARMLESS = ("memories", "pages")  # may be lost or damaged without a word: they are made again


@dataclass(frozen=True, kw_only=True)
class Case:
    """A file to damage.

    Attributes:
        run: the folder.
        target: of `TARGETS`.
        path: the file.
        peers: others of its kind.
        earlier: the folder as it was before a heat was run again; None where there is none.
        draw: decides the rest.
    """

    run: Path
    target: str
    path: Path
    peers: list[Path]
    earlier: Path | None
    draw: random.Random

    def read(self) -> bytes:
        """The file."""
        return self.path.read_bytes()

    def put(self, data: bytes, path: Path | None = None) -> bool:
        """Writes it, or another one; returns whether it is another content."""
        path = self.path if path is None else path
        there = path.is_file()
        if there and path.read_bytes() == data:
            return False
        found = path.stat() if there else None
        if self.draw.random() < 0.5:
            path.unlink(missing_ok=True)
        path.write_bytes(data)
        if found is not None and self.draw.random() < 0.5:
            os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
        return True


def cases(run: Path, target: str, draw: random.Random, earlier: Path | None) -> Case | None:
    """A file of a target; None where there is none."""
    found = sorted({path for pattern in TARGETS[target] for path in run.glob(pattern) if path.is_file()})
    if target not in HARMLESS:
        found = [path for path in found if path.name[0] != "."]
    if not found:
        return None
    path = draw.choice(found)
    peers = [other for other in found if other != path and other.suffix == path.suffix]
    alike = [other for other in peers if other.name == path.name]
    return Case(run=run, target=target, path=path, peers=alike or peers, earlier=earlier, draw=draw)


def flipped(case: Case) -> bool:
    """A bit turned."""
    data = bytearray(case.read())
    if data:
        data[case.draw.randrange(len(data))] ^= 1 << case.draw.randrange(8)
    return case.put(bytes(data))


def zeroed(case: Case) -> bool:
    """A range of zeros."""
    data = bytearray(case.read())
    start = case.draw.randrange(max(1, len(data)))
    length = min(len(data) - start, case.draw.choice((1, 16, 512, 4096)))
    data[start : start + length] = bytes(length)
    return case.put(bytes(data))


def truncated(case: Case) -> bool:
    """An end cut off."""
    data = case.read()
    return bool(data) and case.put(data[: case.draw.choice((len(data) - 1, case.draw.randrange(len(data))))])


def emptied(case: Case) -> bool:
    """Nothing left in it."""
    return case.put(b"")


def deleted(case: Case) -> bool:
    """Gone."""
    case.path.unlink()
    return True


def swapped(case: Case) -> bool:
    """Two of a kind in each other's place."""
    if not case.peers:
        return False
    other = case.draw.choice(case.peers)
    mine, theirs = case.read(), other.read_bytes()
    return case.put(theirs) and case.put(mine, other)


def stale(case: Case) -> bool:
    """As it was before, or a copy of another one of its kind."""
    before = None if case.earlier is None else case.earlier / case.path.relative_to(case.run)
    if before is not None and before.is_file() and before.read_bytes() != case.read():
        return case.put(before.read_bytes())
    if before is not None and case.target in ("records", "rows"):  # under the name it had
        there = {path.name for path in case.path.parent.iterdir()}
        gone = [path for path in before.parent.iterdir() if path.name not in there and path.name[0] != "."]
        if gone and case.draw.random() < 0.5 and case.target == "records":
            return case.put(case.draw.choice(gone).read_bytes(), case.path.parent / gone[0].name)
    return bool(case.peers) and case.put(case.draw.choice(case.peers).read_bytes())


def doubled(case: Case) -> bool:
    """A line, or a name of an object, twice."""
    data = case.read()
    lines = data.splitlines(keepends=True)
    if not lines:
        return False
    if case.path.suffix == ".json":
        places = [number for number, line in enumerate(lines) if line.strip().startswith(b'"') and b'": ' in line]
        if not places:
            return False
        line = lines[case.draw.choice(places)].strip().rstrip(b",")
        if line.endswith((b"{", b"[")):
            return False
        start = data.find(line)
        return case.put(data[:start] + line + b", " + data[start:])
    place = case.draw.randrange(len(lines))
    return case.put(b"".join([*lines[:place], lines[place], *lines[place:]]))


def line_removed(case: Case) -> bool:
    """A line less."""
    lines = case.read().splitlines(keepends=True)
    if len(lines) < 2:
        return False
    del lines[case.draw.randrange(len(lines))]
    return case.put(b"".join(lines))


def line_added(case: Case) -> bool:
    """A line more, much like another one; in the ledger one that says a record is retired, or another version of it."""
    if case.path.suffix != ".jsonl":
        return False
    lines = case.read().splitlines(keepends=True)
    line = json.loads(case.draw.choice(lines)) if _is_json(lines) else None
    if not isinstance(line, dict):
        return False
    if case.target == "ledger" and line["kind"] in ("cell", "exam") and case.draw.random() < 0.5:
        line = {"kind": "retired", "key": line["key"], "sha256": line["sha256"]}
    else:
        line = _edited(line, case.draw)
    lines.insert(case.draw.randrange(len(lines) + 1), _dumped(line) + b"\n")
    return case.put(b"".join(lines))


def renamed(case: Case) -> bool:
    """Under another name."""
    stem = case.path.stem
    place = case.draw.randrange(len(stem))
    name = stem[:place] + case.draw.choice("0123456789abcdef") + stem[place + 1 :] + case.path.suffix
    if name == case.path.name or (case.path.parent / name).exists() or name[0] == ".":
        return False
    case.path.rename(case.path.parent / name)
    return True


def copied(case: Case) -> bool:
    """A second one under another name."""
    data = case.read()
    return renamed(case) and case.put(data)


def leaf_edited(case: Case) -> bool:
    """Another value, plausible, in the place of one."""
    data = _leaf_edited(case.read(), case.path.suffix, case.draw)
    return data is not None and case.put(data)


def hashed_again(case: Case) -> bool:
    """A value edited, and the hash that names the file with it."""
    data = _leaf_edited(case.read(), case.path.suffix, case.draw)
    if case.target in ARTIFACTS:
        return _listed_again(case, data)
    if data is None or case.target not in ("records", "rows"):
        return False
    if case.target == "records":
        content = json.loads(data)
        content["sha256"] = canonical_sha256({name: value for name, value in content.items() if name != "sha256"})
        if case.draw.random() < 0.7:
            return case.put(_dumped(content, indent=1) + b"\n")
        ledger = case.run / "ledger.jsonl"  # which names the new hash, while the record says the old one
        old = json.loads(case.read())["sha256"].encode()
        return case.put(data) and case.put(ledger.read_bytes().replace(old, content["sha256"].encode()), ledger)
    for path in (case.run / "records").glob("[!.]*.json"):
        record = json.loads(path.read_bytes())
        if record["rows_file"] == case.path.name:
            record["rows_sha256"] = hashlib.sha256(data).hexdigest()
            return case.put(data) and case.put(_dumped(record, indent=1) + b"\n", path)
    return False


KINDS: dict[str, Callable[[Case], bool]] = {
    "a bit turned": flipped,
    "zeros": zeroed,
    "an end cut off": truncated,
    "emptied": emptied,
    "deleted": deleted,
    "swapped": swapped,
    "stale": stale,
    "doubled": doubled,
    "a line less": line_removed,
    "a line more": line_added,
    "renamed": renamed,
    "copied": copied,
    "a value edited": leaf_edited,
    "edited and hashed again": hashed_again,
}


def _listed_again(case: Case, data: bytes | None) -> bool:
    """A file with its entry in the list of an artifact, or the list with its own hash."""
    path = case.path.parent / NAME
    content = json.loads(path.read_bytes())
    if case.path == path:
        content = _edited({name: value for name, value in content.items() if name != "sha256"}, case.draw)
        content["sha256"] = hashlib.sha256(_dumped(content, sort_keys=True)).hexdigest()
        return case.put(_dumped(content, indent=1) + b"\n")
    data = data or bytes(byte ^ (number == 9) for number, byte in enumerate(case.read()))
    for entry in content["files"]:
        if entry["name"] == case.path.name:
            entry.update(size=len(data), sha256=hashlib.sha256(data).hexdigest())
    return case.put(data) and case.put(_dumped(content, indent=1) + b"\n", path)


def _leaf_edited(data: bytes, suffix: str, draw: random.Random) -> bytes | None:
    try:
        if suffix == ".json":
            return _dumped(_edited(json.loads(data), draw), indent=1) + b"\n"
        if suffix == ".jsonl":
            lines = data.splitlines(keepends=True)
            place = draw.randrange(len(lines))
            lines[place] = _dumped(_edited(json.loads(lines[place]), draw)) + b"\n"
            return b"".join(lines)
    except ValueError:
        pass
    return None


def _edited(content: Any, draw: random.Random) -> Any:
    """The same with another value in the place of one."""
    content = json.loads(json.dumps(content))
    places = list(_leaves(content))
    if not places:
        return content
    holder, name = draw.choice(places)
    holder[name] = _other(holder[name], draw)
    return content


def _leaves(value: Any) -> Iterator[tuple[Any, Any]]:
    for name in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        if isinstance(value[name], dict | list):
            yield from _leaves(value[name])
        else:
            yield value, name


def _other(value: Any, draw: random.Random) -> Any:
    if value is None:
        return 0
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + draw.choice((-1, 1, 10))
    if isinstance(value, float):
        return value * draw.choice((0.5, 0.9, 1.1, 2.0)) + draw.choice((0.0, 0.01)) or 0.5
    if not value:
        return "0"
    place = draw.randrange(len(value))
    return value[:place] + draw.choice([c for c in "0123456789abcdef" if c != value[place]]) + value[place + 1 :]


def _dumped(content: Any, **how: Any) -> bytes:
    return json.dumps(content, separators=None if "indent" in how else (",", ":"), **how).encode()


def _is_json(lines: list[bytes]) -> bool:
    try:
        return bool([json.loads(line) for line in lines])
    except ValueError:
        return False
