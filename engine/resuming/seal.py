"""The record that a training writes last, sealed: it holds the hashes of the files beside it, and one of itself.

A folder may be killed, copied or damaged before anybody lists its files; with the seal it is known whether what a
record says is finished lies there as it was written.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from offbook.engine.files import file_sha256
from offbook.engine.quoting import quoted

FILES, SEAL = "files", "sha256"


def sealed(
    record: Mapping[str, Any], path: Path, names: Iterable[str] | None = None, *, also: Iterable[str] = ()
) -> dict[str, Any]:
    """A record with its seal.

    Args:
        record: what is to be written, with `FILES` and `SEAL` free.
        path: where.
        names: the files beside it, which are written already; by default all but hidden ones.
        also: files in folders below, written already too.
    """
    files = [*(names or _beside(path)), *also]
    whole = {**record, FILES: {name: file_sha256(path.parent / name) for name in files}}
    return whole | {SEAL: _digest(whole)}


def broken(path: Path) -> str | None:
    """What is wrong with a sealed record or with the files beside it, in a few words; None where they are whole."""
    try:
        record = json.loads(path.read_bytes())
        seal, files = record.pop(SEAL), dict(record[FILES])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return f"expected a sealed record in {quoted(path.name)}, got something else"
    if seal != _digest(record):
        return f"{quoted(path.name)} was changed after it was written"
    for name, wanted in files.items():
        place = path.parent / name
        found = file_sha256(place) if place.is_file() else "none"
        if found != wanted:
            return f"expected SHA-256 {wanted:.12} of {quoted(name)}, got {found:.12}"
    return None


def _beside(path: Path) -> list[str]:
    """The files in a record's folder, but for itself and what is hidden."""
    return sorted(p.name for p in path.parent.iterdir() if p.is_file() and p != path and not p.name.startswith("."))


def _digest(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(json.loads(json.dumps(record)), sort_keys=True).encode()).hexdigest()
